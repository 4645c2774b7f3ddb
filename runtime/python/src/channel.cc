// SPDX-License-Identifier: Apache-2.0
#include "channel.h"

#include <nanobind/stl/string.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "classes.h"
#include "job.h"
#include "request.h"
#include "sample.h"
#include "typed_loan.h"

namespace nb = nanobind;

namespace shmcomm::python {
namespace {

/// The texts a specification points to.
struct OwnedSpec {
  std::string name;
  std::string declared_at;
  ChannelSpec spec;
};

template <class Choice>
Choice ChoiceOf(const nb::dict& options, const char* key, std::initializer_list<std::pair<const char*, Choice>> choices) {
  const auto given = nb::cast<std::string>(options[key]);
  for (const auto& [name, choice] : choices) {
    if (given == name) return choice;
  }
  throw nb::value_error((std::string(key) + ": unknown value '" + given + "'").c_str());
}

template <class Number>
Number NumberOf(const nb::dict& options, const char* key) {
  return nb::cast<Number>(options[key]);
}

/// The option if its pattern has it.
template <class Number>
void Read(const nb::dict& options, const char* key, Number* value) {
  if (options.contains(key)) *value = NumberOf<Number>(options, key);
}

Qos QosOf(const nb::dict& options) {
  Qos qos;
  qos.capacity = NumberOf<std::uint32_t>(options, "capacity");
  qos.max_size = NumberOf<std::uint64_t>(options, "max_size");
  qos.on_full = ChoiceOf<OnFull>(options, "on_full", {{"block", OnFull::kBlock}, {"fail", OnFull::kFail}});
  qos.max_publishers = NumberOf<std::uint32_t>(options, "max_publishers");
  qos.max_subscribers = NumberOf<std::uint32_t>(options, "max_subscribers");
  qos.max_borrowed = NumberOf<std::uint32_t>(options, "max_borrowed");
  qos.max_loans = NumberOf<std::uint32_t>(options, "max_loans");
  qos.verify = ChoiceOf<Verify>(options, "verify",
                                {{"trusted", Verify::kTrusted}, {"verify", Verify::kVerify}, {"untrusted", Verify::kUntrusted}});
  qos.prefault = NumberOf<bool>(options, "prefault");
  if (options.contains("reliability")) {
    qos.reliability = ChoiceOf<Reliability>(
        options, "reliability", {{"best_effort", Reliability::kBestEffort}, {"reliable", Reliability::kReliable}});
  }
  Read(options, "history", &qos.history);
  Read(options, "deadline_ns", &qos.deadline_ns);
  Read(options, "lifespan_ns", &qos.lifespan_ns);
  Read(options, "max_attempts", &qos.max_attempts);
  Read(options, "max_reply_size", &qos.max_reply_size);
  Read(options, "timeout_ns", &qos.timeout_ns);
  Read(options, "max_in_flight", &qos.max_in_flight);
  Read(options, "idempotent", &qos.idempotent);
  return qos;
}

constexpr std::array<std::pair<const char*, Pattern>, 3> kPatterns = {
    {{"pubsub", Pattern::kPubSub}, {"reqrep", Pattern::kReqRep}, {"pushpull", Pattern::kPushPull}}};

Pattern PatternOf(const nb::dict& options) {
  return ChoiceOf<Pattern>(options, "pattern", {kPatterns[0], kPatterns[1], kPatterns[2]});
}

const char* NameOf(Pattern pattern) {
  return std::find_if(kPatterns.begin(), kPatterns.end(), [&](const auto& each) { return each.second == pattern; })->first;
}

/// The types that travel, a request's before its reply's.
nb::list Messages(const DeclaredChannel& self) {
  nb::list names;
  names.append(self.type->name);
  if (self.reply != nullptr) names.append(self.reply->name);
  return names;
}

MessageType MessageOf(Schema& schema, const Type& type, std::uint64_t fingerprint) {
  MessageType message;
  message.name = type.name.c_str();
  message.fingerprint = fingerprint;
  message.is_struct = type.is_struct;
  message.struct_bytes = type.is_struct ? type.struct_bytes : 0;
  message.schema = reinterpret_cast<const std::uint8_t*>(schema.bytes().data());
  message.schema_bytes = schema.bytes().size();
  return message;
}

Type* FindType(Schema& schema, const nb::dict& options, const char* key) {
  Type* type = schema.FindType(NumberOf<std::string>(options, key));
  if (type == nullptr) nb::raise_python_error();
  return type;
}

/// Whether the classes are what the pattern's endpoints give and take.
bool BindClasses(Pattern pattern, PyObject* sample_class, PyObject* loan_class) {
  if (!BindLoanClass(loan_class)) return false;
  switch (pattern) {
    case Pattern::kPubSub: return BindSampleClass(sample_class);
    case Pattern::kPushPull: return BindJobClass(sample_class);
    case Pattern::kReqRep: break;
  }
  return BindRequestClass(sample_class);
}

void DeclareReply(DeclaredChannel& self, ChannelSpec& spec, Schema& schema, const nb::dict& options, nb::object reply_class) {
  self.reply = FindType(schema, options, "reply");
  if (!BindSampleClass(reply_class.ptr())) nb::raise_python_error();
  self.reply_class = std::move(reply_class);
  spec.reply = MessageOf(schema, *self.reply, NumberOf<std::uint64_t>(options, "reply_fingerprint"));
}

void Declare(DeclaredChannel* self, nb::handle_t<SchemaHandle> schema_object, nb::type_object sample_class,
             nb::type_object loan_class, const nb::dict& options, nb::object reply_class) {
  Schema& schema = nb::inst_ptr<SchemaHandle>(schema_object)->schema();
  const Pattern pattern = PatternOf(options);
  Type* type = FindType(schema, options, "message");
  if (!BindClasses(pattern, sample_class.ptr(), loan_class.ptr())) nb::raise_python_error();
  auto* owned = new OwnedSpec{nb::cast<std::string>(options["name"]), nb::cast<std::string>(options["declared_at"]), {}};
  Py_INCREF(schema_object.ptr());  // for ever, as the specification: it points into the schema
  owned->spec.name = owned->name.c_str();
  owned->spec.declared_at = owned->declared_at.c_str();
  owned->spec.pattern = pattern;
  owned->spec.qos = QosOf(options);
  owned->spec.message = MessageOf(schema, *type, NumberOf<std::uint64_t>(options, "fingerprint"));
  new (self) DeclaredChannel{&owned->spec, type, std::move(sample_class), std::move(loan_class), nullptr, {}};
  if (pattern == Pattern::kReqRep) DeclareReply(*self, owned->spec, schema, options, std::move(reply_class));
}

}  // namespace

void AddChannel(nb::module_& module) {
  nb::class_<DeclaredChannel>(module, "Channel", "A channel as its schema declares it.")
      .def("__init__", Declare, nb::arg("schema"), nb::arg("sample_class"), nb::arg("loan_class"), nb::arg("options"),
           nb::arg("reply_class") = nb::none())
      .def_prop_ro("name", [](const DeclaredChannel& self) { return self.spec->name; })
      .def_prop_ro("pattern", [](const DeclaredChannel& self) { return NameOf(self.spec->pattern); })
      .def_prop_ro("message", [](const DeclaredChannel& self) { return self.type->name; })
      .def_prop_ro("messages", Messages);
}

}  // namespace shmcomm::python
