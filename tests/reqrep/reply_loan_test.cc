// SPDX-License-Identifier: Apache-2.0
// The loan in which a reply is built: one at a time for each request.
#include <gmock/gmock.h>

#include <cstdint>
#include <cstring>
#include <memory>
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

}  // namespace
}  // namespace shmcomm::test
