// SPDX-License-Identifier: Apache-2.0
// The loan in which a reply is built: one at a time for each request.
#include <gmock/gmock.h>

#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <utility>

#include "absl/status/statusor.h"
#include "support/reqrep_channels.h"

namespace shmcomm::test {
namespace {

using ::testing::HasSubstr;

class ReplyLoan : public ReqRepTest {
 protected:
  static absl::Status ReplyThrough(absl::StatusOr<Loan> loan, Request& request, std::uint64_t value) {
    absl::StatusOr<std::uint8_t*> place = loan->Raw(sizeof(value));
    if (!place.ok()) return place.status();
    std::memcpy(*place, &value, sizeof(value));
    return request.ReplyRaw(*std::move(loan), Codec::kStruct);
  }
};

TEST_F(ReplyLoan, IsRefusedWhileAnotherOfTheRequestIsOut) {
  Replier replier = OpenReplier(SumsSpec());
  Requester requester = OpenRequester(SumsSpec());
  const auto call = SendNumber(requester, 1, kLong);
  auto request = replier.Take(kLong);
  auto loan = request->ReplyLoan();
  ASSERT_TRUE(loan.ok()) << loan.status();

  const absl::Status refused = request->ReplyLoan().status();

  EXPECT_TRUE(absl::IsFailedPrecondition(refused)) << refused;
  EXPECT_THAT(refused.message(), HasSubstr("test/sums: this request's reply is being built in another loan"));
  EXPECT_FALSE(request->is_answered());
  EXPECT_TRUE(ReplyThrough(std::move(loan), *request, 5).ok());
  EXPECT_EQ(ValueOf(requester.Receive(*call)), 5u);
}

TEST_F(ReplyLoan, IsGivenAgainOnceTheOneBeforeWasDropped) {
  Replier replier = OpenReplier(SumsSpec());
  Requester requester = OpenRequester(SumsSpec());
  const auto call = SendNumber(requester, 1, kLong);
  auto request = replier.Take(kLong);
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(request->ReplyLoan().ok());
  }

  EXPECT_TRUE(ReplyThrough(request->ReplyLoan(), *request, 6).ok());
  EXPECT_EQ(ValueOf(requester.Receive(*call)), 6u);
}

TEST_F(ReplyLoan, IsGivenToEachOfSeveralRequestsOfOneRequester) {
  Replier replier = OpenReplier(SumsSpec());
  Requester requester = OpenRequester(SumsSpec());
  const auto first_call = SendNumber(requester, 1, kLong);
  const auto second_call = SendNumber(requester, 2, kLong);
  auto first = replier.Take(kLong);
  auto second = replier.Take(kLong);

  auto loan_of_first = first->ReplyLoan();
  auto loan_of_second = second->ReplyLoan();

  ASSERT_TRUE(loan_of_first.ok()) << loan_of_first.status();
  ASSERT_TRUE(loan_of_second.ok()) << loan_of_second.status();
  EXPECT_TRUE(absl::IsFailedPrecondition(second->ReplyLoan().status()));
  EXPECT_TRUE(ReplyThrough(std::move(loan_of_second), *second, 8).ok());
  EXPECT_TRUE(ReplyThrough(std::move(loan_of_first), *first, 7).ok());
  EXPECT_EQ(ValueOf(requester.Receive(*first_call)), 7u);
  EXPECT_EQ(ValueOf(requester.Receive(*second_call)), 8u);
}

// The second would find that nobody waits and end the request, with which the replier leaves its channel: under the first.
TEST_F(ReplyLoan, IsNotPulledAwayByAskingForAnotherWhenAllOthersAreGone) {
  auto replier = std::make_unique<Replier>(OpenReplier(SumsSpec()));
  auto requester = std::make_unique<Requester>(OpenRequester(SumsSpec()));
  ASSERT_TRUE(SendNumber(*requester, 1, kLong).ok());
  auto request = replier->Take(kLong);
  auto loan = request->ReplyLoan();
  ASSERT_TRUE(loan.ok()) << loan.status();
  requester.reset();
  replier.reset();

  EXPECT_TRUE(absl::IsFailedPrecondition(request->ReplyLoan().status()));

  EXPECT_FALSE(request->is_answered());
  EXPECT_FALSE(ReplyThrough(std::move(loan), *request, 5).ok()) << "its requester is gone";
  EXPECT_TRUE(request->is_answered());
  EXPECT_TRUE(Files().empty());
}

// Three ways to answer while a loan of the reply is out. Afterwards the loan's memory is still there to be written.
class UnusedReplyLoan : public ReplyLoan {
 protected:
  void SetUp() override {
    replier_ = std::make_unique<Replier>(OpenReplier(SumsSpec()));
    requester_ = std::make_unique<Requester>(OpenRequester(SumsSpec()));
    call_ = *SendNumber(*requester_, 1, kLong);
    request_.emplace(*replier_->Take(kLong));
    loan_.emplace(*request_->ReplyLoan());
  }
  void CloseEnds() {
    requester_.reset();
    replier_.reset();
  }
  /// The loan keeps the replier's place in the channel, and its slot; then nothing is left.
  void ExpectThatTheLoanIsTheLastToGo() {
    CloseEnds();
    EXPECT_FALSE(Files().empty());
    absl::StatusOr<std::uint8_t*> place = loan_->Raw(sizeof(std::uint64_t));
    ASSERT_TRUE(place.ok()) << place.status();
    std::memset(*place, 1, sizeof(std::uint64_t));
    loan_.reset();
    EXPECT_TRUE(Files().empty());
  }

  std::unique_ptr<Replier> replier_;
  std::unique_ptr<Requester> requester_;
  CallId call_{};
  std::optional<Request> request_;
  std::optional<Loan> loan_;
};

TEST_F(UnusedReplyLoan, MayBeDroppedAfterACopyWasTheAnswer) {
  EXPECT_TRUE(ReplyNumber(*request_, 4).ok());

  EXPECT_EQ(ValueOf(requester_->Receive(call_)), 4u);
  ExpectThatTheLoanIsTheLastToGo();
}

TEST_F(UnusedReplyLoan, MayBeDroppedAfterAnErrorWasTheAnswer) {
  EXPECT_TRUE(request_->Fail(absl::OutOfRangeError("no such number")).ok());

  EXPECT_TRUE(absl::IsOutOfRange(requester_->Receive(call_).status()));
  ExpectThatTheLoanIsTheLastToGo();
}

TEST_F(UnusedReplyLoan, MayBeDroppedAfterItsRequest) {
  request_.reset();

  EXPECT_TRUE(absl::IsAborted(requester_->Receive(call_).status()));
  ExpectThatTheLoanIsTheLastToGo();
}

TEST_F(UnusedReplyLoan, MayBeDroppedAfterItsReplierWasClosedWithTheRequestOpen) {
  CloseEnds();
  request_.reset();

  ExpectThatTheLoanIsTheLastToGo();
}

TEST_F(UnusedReplyLoan, MayBeDroppedWhenAnotherRequesterHasItsRequestersId) {
  const std::uint32_t id = request_->requester();
  ASSERT_TRUE(ReplyNumber(*request_, 4).ok());
  requester_.reset();
  requester_ = std::make_unique<Requester>(OpenRequester(SumsSpec()));
  call_ = *SendNumber(*requester_, 2, kLong);
  request_.emplace(*replier_->Take(kLong));
  ASSERT_EQ(request_->requester(), id);

  ASSERT_TRUE(ReplyNumber(*request_, 5).ok());

  EXPECT_EQ(ValueOf(requester_->Receive(call_)), 5u);
  ExpectThatTheLoanIsTheLastToGo();
}

TEST_F(UnusedReplyLoan, IsOfUseToNoOtherRequestersRequest) {
  Requester other = OpenRequester(SumsSpec());
  ASSERT_TRUE(SendNumber(other, 2, kLong).ok());
  auto request = replier_->Take(kLong);

  EXPECT_TRUE(absl::IsInvalidArgument(request->ReplyRaw(*std::move(loan_), Codec::kStruct)));

  EXPECT_FALSE(request->is_answered());
}

}  // namespace
}  // namespace shmcomm::test
