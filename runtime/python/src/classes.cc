// SPDX-License-Identifier: Apache-2.0
#include "classes.h"

#include <nanobind/stl/string.h>

#include <string>

#include "build.h"
#include "field.h"
#include "record.h"

namespace nb = nanobind;

namespace shmcomm::python {
namespace {

Type& FindType(SchemaHandle& self, const std::string& name) {
  Type* type = self.schema().FindType(name);
  if (type == nullptr) nb::raise_python_error();
  return *type;
}

Enumeration& FindEnumeration(SchemaHandle& self, const std::string& name) {
  Enumeration* enumeration = self.schema().FindEnumeration(name);
  if (enumeration == nullptr) nb::raise_python_error();
  return *enumeration;
}

nb::list Fields(nb::handle_t<SchemaHandle> self, const std::string& name) {
  Type& type = FindType(*nb::inst_ptr<SchemaHandle>(self), name);
  nb::list fields;
  for (Field& field : type.fields) {
    nb::object made = nb::steal(NewField(self.ptr(), type, field));
    if (!made.is_valid()) nb::raise_python_error();
    fields.append(made);
  }
  return fields;
}

nb::list Members(SchemaHandle& self, const std::string& name) {
  const Enumeration& enumeration = FindEnumeration(self, name);
  nb::list members;
  for (const auto& [member, value] : enumeration.values) {
    const bool is_unsigned = enumeration.scalar == Scalar::ULong;
    members.append(nb::make_tuple(member, is_unsigned ? nb::int_(static_cast<std::uint64_t>(value)) : nb::int_(value)));
  }
  return members;
}

void Bind(SchemaHandle& self, const std::string& name, nb::handle python_class) {
  if (!BindClass(FindType(self, name), python_class.ptr())) nb::raise_python_error();
}

void SetContent(SchemaHandle& self, const std::string& name, const std::string& field, nb::handle content) {
  if (!self.schema().SetContent(FindType(self, name), field, content.ptr())) nb::raise_python_error();
}

template <class Named>
nb::list Names(const std::vector<std::unique_ptr<Named>>& all) {
  nb::list names;
  for (const auto& each : all) names.append(each->name);
  return names;
}

nb::object ClassOf(SchemaHandle& self, const std::string& name) {
  PyObject* made = self.schema().ClassOf(FindType(self, name));
  if (made == nullptr) nb::raise_python_error();
  return nb::borrow(made);
}

nb::object EnumOf(SchemaHandle& self, const std::string& name) {
  PyObject* made = self.schema().ClassOf(FindEnumeration(self, name));
  if (made == nullptr) nb::raise_python_error();
  return nb::borrow(made);
}

nb::object Decode(nb::type_object python_class, nb::bytes message) {
  auto* type_object = reinterpret_cast<PyTypeObject*>(python_class.ptr());
  Type* type = TypeOfClass(type_object);
  nb::object made = nb::steal(type == nullptr ? nullptr : NewValue(type_object, *type, message.ptr()));
  if (!made.is_valid()) nb::raise_python_error();
  return made;
}

nb::object Encode(nb::handle record) {
  if (!IsRecord(record.ptr())) throw nb::type_error("expected an instance of a generated class");
  if (RefuseOver(*AsRecord(record.ptr()))) nb::raise_python_error();
  nb::object made = nb::steal(EncodeRecord(record.ptr()));
  if (!made.is_valid()) nb::raise_python_error();
  return made;
}

}  // namespace

SchemaHandle::SchemaHandle(const nb::bytes& bfbs) : schema_(Schema::Load(std::string(bfbs.c_str(), bfbs.size()))) {
  if (schema_ == nullptr) nb::raise_python_error();
}

void AddSchema(nb::module_& module) {
  module.def("decode", Decode, nb::arg("python_class"), nb::arg("message"),
             "A message looked at where it lies in a bytes object, as an instance of a generated class.\n\n"
             ">>> decode(Image, encode(Image(width=2, height=1, data=b\"ab\"))).width\n"
             "2\n");
  module.def("encode", Encode, nb::arg("record"),
             "The bytes of an instance as a message of its own.\n\n"
             ">>> len(encode(Vec3(x=1)))\n"
             "12\n");
  nb::class_<SchemaHandle>(module, "Schema", "The types of one binary schema (.bfbs).")
      .def(nb::init<const nb::bytes&>(), nb::arg("bfbs"))
      .def("set_factory", [](SchemaHandle& self, nb::handle factory) { self.schema().set_factory(factory.ptr()); },
           nb::arg("factory"), "The object whose make_type, make_enum, struct_dtype and scalar_dtype are called on first use.")
      .def("type_names", [](SchemaHandle& self) { return Names(self.schema().types()); })
      .def("enum_names", [](SchemaHandle& self) { return Names(self.schema().enumerations()); })
      .def("fields", Fields, nb::arg("type_name"), "Descriptors of the fields that are not deprecated.")
      .def("members", Members, nb::arg("enum_name"), "Pairs of name and value.")
      .def("is_flags", [](SchemaHandle& self, const std::string& name) { return FindEnumeration(self, name).is_flags; })
      .def("is_struct", [](SchemaHandle& self, const std::string& name) { return FindType(self, name).is_struct; })
      .def("struct_bytes", [](SchemaHandle& self, const std::string& name) { return FindType(self, name).struct_bytes; })
      .def("type_doc", [](SchemaHandle& self, const std::string& name) { return FindType(self, name).documentation; })
      .def("enum_doc", [](SchemaHandle& self, const std::string& name) { return FindEnumeration(self, name).documentation; })
      .def("bind", Bind, nb::arg("type_name"), nb::arg("python_class"), "Makes a subclass of Record the class of a type.")
      .def("set_content", SetContent, nb::arg("type_name"), nb::arg("field"), nb::arg("content"),
           "The default of a string or vector, which a binary schema does not tell.")
      .def("class_of", ClassOf, nb::arg("type_name"), "The class of a table or struct, made on first use.")
      .def("enum_of", EnumOf, nb::arg("enum_name"), "The class of an enum, made on first use.");
}

}  // namespace shmcomm::python
