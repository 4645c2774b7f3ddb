// SPDX-License-Identifier: Apache-2.0
// One test per evolution rule. The schemas are compiled by flatc, so the rules are tried on what it really writes.
#include "channel/compatibility.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "flatbuffers/reflection_generated.h"

namespace shmcomm::channel {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Bytes = std::vector<std::uint8_t>;

bool HasFlatc() {
  static const bool has = std::system("flatc --version > /dev/null 2>&1") == 0;
  return has;
}

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "shmcomm_compatibility_XXXXXX").string();
    path_ = mkdtemp(name.data());
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

Bytes Compile(const std::string& text) {
  const TemporaryFolder folder;
  std::ofstream(folder.path() / "schema.fbs") << text;
  const std::string command = absl::StrCat("cd '", folder.path().string(), "' && flatc -b --schema schema.fbs");
  EXPECT_EQ(std::system(command.c_str()), 0) << text;
  std::ifstream file(folder.path() / "schema.bfbs", std::ios::binary);
  return Bytes(std::istreambuf_iterator<char>(file), {});
}

// A breaking difference is printed with a leading '!', as the tests below write it.
std::vector<std::string> Compare(const std::string& writer, const std::string& reader, const std::string& root = "M") {
  const auto differences = CompareSchemas(Compile(writer), root, Compile(reader), root);
  if (!differences.ok()) return {differences.status().ToString()};
  std::vector<std::string> lines;
  for (const Difference& one : *differences) lines.push_back((one.breaking ? "!" : "") + one.text);
  return lines;
}

class Compatibility : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!HasFlatc()) GTEST_SKIP() << "flatc is not installed";
  }
};

// ---- tables

TEST_F(Compatibility, OfASchemaWithItselfIsComplete) {
  const std::string schema = "enum E:ubyte{A,B} struct S{x:[float:3];e:E;} table T{m:M;} union U{T,S}"
                             "table M{a:int=3;b:long=null;s:string(required);v:[S];u:U;w:[U];e:[E];d:double=nan;t:[T];}";

  EXPECT_THAT(Compare(schema, schema), IsEmpty());
}

TEST_F(Compatibility, AllowsATableToGainAndLoseFields) {
  EXPECT_THAT(Compare("table M{a:int;}", "table M{a:int;b:string;}"), ElementsAre("table M: field 'b' added"));
  EXPECT_THAT(Compare("table M{a:int;b:string;}", "table M{a:int;}"), ElementsAre("table M: field 'b' removed"));
}

TEST_F(Compatibility, RefusesAFieldOfAnotherType) {
  EXPECT_THAT(Compare("table M{a:int;}", "table M{a:uint;}"), ElementsAre("!table M: field 'a' int -> uint"));
  EXPECT_THAT(Compare("table M{a:string;}", "table M{a:[ubyte];}"), ElementsAre("!table M: field 'a' string -> [ubyte]"));
  EXPECT_THAT(Compare("table M{a:ubyte;}", "table M{a:bool;}"), ElementsAre("!table M: field 'a' ubyte -> bool"));
  EXPECT_THAT(Compare("table M{a:[float];}", "table M{a:[double];}"), ElementsAre("!table M: field 'a' [float] -> [double]"));
}

TEST_F(Compatibility, TellsATableFromAStructOfTheSameName) {
  EXPECT_THAT(Compare("struct P{x:int;} table M{a:P;}", "table P{x:int;} table M{a:P;}"),
              ElementsAre("!table M: field 'a' struct P -> table P"));
}

TEST_F(Compatibility, TellsEnumsOfOtherSizesApart) {
  EXPECT_THAT(Compare("enum E:ubyte{A} table M{a:E;}", "enum E:ushort{A} table M{a:E;}"),
              ElementsAre("!table M: field 'a' enum:ubyte E -> enum:ushort E"));
}

TEST_F(Compatibility, MatchesTableFieldsByIdWhateverTheirOrder) {
  EXPECT_THAT(Compare("table M{a:int(id:0);b:string(id:1);}", "table M{b:string(id:1);a:int(id:0);}"), IsEmpty());
}

TEST_F(Compatibility, NamesARenamedField) {
  EXPECT_THAT(Compare("table M{a:int;}", "table M{z:int;}"), ElementsAre("table M: field 'a' renamed 'z'"));
}

TEST_F(Compatibility, RefusesAFieldInsertedBeforeOthers) {
  EXPECT_THAT(Compare("table M{a:int;b:int;}", "table M{a:int;c:int;b:int;}"),
              ElementsAre("!table M: field 'b' moved from id 1 to 2"));
}

TEST_F(Compatibility, RefusesAFieldNamedAsAUnionsTypeElsewhere) {
  EXPECT_THAT(Compare("table T{x:int;} union U{T} table M{u:U;}", "table M{x:ubyte;u_type:ubyte;}"),
              ElementsAre("!table M: field 'u_type' moved from id 0 to 1"));
}

TEST_F(Compatibility, RefusesSwappedFieldsOfOneType) {
  EXPECT_THAT(Compare("table M{a:int;b:int;}", "table M{b:int;a:int;}"),
              ElementsAre("!table M: field 'a' moved from id 0 to 1", "!table M: field 'b' moved from id 1 to 0"));
}

TEST_F(Compatibility, NeedsTheWriterToRequireWhatTheReaderRequires) {
  EXPECT_THAT(Compare("table M{a:string;}", "table M{a:string(required);}"),
              ElementsAre("!table M: field 'a' optional -> required"));
  EXPECT_THAT(Compare("table M{a:int;}", "table M{a:int;b:string(required);}"),
              ElementsAre("!table M: field 'b' added, required"));
  EXPECT_THAT(Compare("table M{a:string(required);}", "table M{a:string;}"), IsEmpty());
}

TEST_F(Compatibility, NamesAnotherDefaultOfEachKind) {
  EXPECT_THAT(Compare("table M{a:float=1.5;}", "table M{a:float=2.5;}"), ElementsAre("table M: field 'a' default 1.5 -> 2.5"));
  EXPECT_THAT(Compare("enum E:ubyte(bit_flags){A,B} table M{e:E=A;}", "enum E:ubyte(bit_flags){A,B} table M{e:E=\"A B\";}"),
              ElementsAre("table M: field 'e' default A -> 3"));
}

TEST_F(Compatibility, NamesAnotherDefault) {
  EXPECT_THAT(Compare("table M{a:int=1;b:double=1.5;c:bool;d:ulong;}",
                      "table M{a:int=2;b:double=nan;c:bool=true;d:ulong=9;}"),
              ElementsAre("table M: field 'a' default 1 -> 2", "table M: field 'b' default 1.5 -> nan",
                          "table M: field 'c' default false -> true",
                          "table M: field 'd' default 0 -> 9"));
  EXPECT_THAT(Compare("enum E:byte{A,B} table M{e:E=A;}", "enum E:byte{A,B} table M{e:E=B;}"),
              ElementsAre("table M: field 'e' default A -> B"));
}

TEST_F(Compatibility, NamesAScalarThatBecomesOptional) {
  EXPECT_THAT(Compare("table M{a:int=4;}", "table M{a:int=null;}"), ElementsAre("table M: field 'a' default 4 -> null"));
  EXPECT_THAT(Compare("table M{a:int=null;}", "table M{a:int;}"), ElementsAre("table M: field 'a' default null -> 0"));
}

TEST_F(Compatibility, LooksNoFurtherIntoADeprecatedField) {
  EXPECT_THAT(Compare("table M{a:int;b:int;}", "table M{a:int(deprecated);b:int;}"),
              ElementsAre("table M: field 'a' deprecated"));
  EXPECT_THAT(Compare("table M{a:int(deprecated);}", "table M{a:string(deprecated);}"),
              ElementsAre("table M: field 'a' int -> string, deprecated"));
}

TEST_F(Compatibility, RefusesARequiredFieldThatTheWriterDeprecated) {
  EXPECT_THAT(Compare("table M{a:string(deprecated);}", "table M{a:string(required);}"),
              ElementsAre("table M: field 'a' no longer deprecated", "!table M: field 'a' optional -> required"));
}

TEST_F(Compatibility, LooksIntoNestedTablesAndVectorsOfThem) {
  EXPECT_THAT(Compare("table N{x:int;} table O{y:int;} table M{a:N;b:[O];}", "table N{x:float;} table O{y:byte;} table M{a:N;b:[O];}"),
              ElementsAre("!table N: field 'x' int -> float", "!table O: field 'y' int -> byte"));
}

TEST_F(Compatibility, EndsOnTypesThatContainThemselves) {
  EXPECT_THAT(Compare("table N{m:M;n:[N];} table M{n:N;x:int;}", "table N{m:M;n:[N];} table M{n:N;x:long;}"),
              ElementsAre("!table M: field 'x' int -> long"));
}

TEST_F(Compatibility, ToleratesATypeThatIsOnlyRenamed) {
  EXPECT_THAT(Compare("struct P{x:int;} table M{a:P;}", "struct Q{x:int;} table M{a:Q;}"),
              ElementsAre("table M: field 'a' P -> Q, same bytes"));
}

TEST_F(Compatibility, ToleratesAnEnumForItsPlainNumber) {
  EXPECT_THAT(Compare("enum E:ubyte{A} table M{a:E;}", "table M{a:ubyte;}"),
              ElementsAre("table M: field 'a' E -> ubyte, same bytes"));
}

TEST_F(Compatibility, IgnoresWhatTheRootDoesNotReach) {
  EXPECT_THAT(Compare("struct P{x:int;} table M{a:int;}", "struct P{x:long;} table M{a:int;}"), IsEmpty());
}

TEST_F(Compatibility, IgnoresDocumentation) {
  EXPECT_THAT(Compare("/// old\ntable M{\n/// a\n a:int;}", "table M{a:int;}"), IsEmpty());
}

// ---- structs

constexpr char kImu[] = "namespace robot; struct Vec3{x:float;y:float;z:float;}"
                        "struct Imu{stamp_ns:uint64;accel:Vec3;gyro:Vec3;cov:[float:";

TEST_F(Compatibility, RefusesAnArrayOfAnotherLengthWithBothSizes) {
  EXPECT_THAT(Compare(absl::StrCat(kImu, "6];}"), absl::StrCat(kImu, "9];}"), "robot.Imu"),
              ElementsAre("!struct robot.Imu: field 'cov' [float:6] -> [float:9] (56 -> 72 bytes)"));
}

TEST_F(Compatibility, RefusesAStructThatGrowsOrShrinks) {
  EXPECT_THAT(Compare("struct M{x:int;}", "struct M{x:int;y:int;}"), ElementsAre("!struct M: field 'y' added (4 -> 8 bytes)"));
  EXPECT_THAT(Compare("struct M{x:int;y:int;}", "struct M{x:int;}"), ElementsAre("!struct M: field 'y' removed (8 -> 4 bytes)"));
}

TEST_F(Compatibility, RefusesAStructFieldThatFitsIntoOldPadding) {
  EXPECT_THAT(Compare("struct M{x:int;y:byte;}", "struct M{x:int;y:byte;z:byte;}"), ElementsAre("!struct M: field 'z' added"));
}

TEST_F(Compatibility, RefusesStructFieldsInAnotherOrder) {
  EXPECT_THAT(Compare("struct M{x:int;y:int;}", "struct M{y:int;x:int;}"),
              ElementsAre("!struct M: field 'x' moved from byte 0 to 4", "!struct M: field 'y' moved from byte 4 to 0"));
}

TEST_F(Compatibility, RefusesAStructFieldOfAnotherType) {
  EXPECT_THAT(Compare("struct M{x:int;}", "struct M{x:float;}"), ElementsAre("!struct M: field 'x' int -> float"));
}

TEST_F(Compatibility, NamesARenamedStructField) {
  EXPECT_THAT(Compare("struct M{x:int;y:int;}", "struct M{x:int;z:int;}"), ElementsAre("struct M: field 'y' renamed 'z'"));
}

TEST_F(Compatibility, TakesNoStructFieldForARenamedOneThatLiesElsewhereOrIsKnownOrOfAnotherType) {
  EXPECT_THAT(Compare("struct S{a:byte;b:byte;} table M{s:S;}", "struct S{a:int;c:byte;} table M{s:S;}"),
              ElementsAre("!struct S: field 'a' byte -> int (2 -> 8 bytes)", "!struct S: field 'b' removed (2 -> 8 bytes)",
                          "!struct S: field 'c' added (2 -> 8 bytes)"));
  EXPECT_THAT(Compare("struct S{a:int;b:int;} table M{s:S;}", "struct S{b:int;c:int;} table M{s:S;}"),
              ElementsAre("!struct S: field 'a' removed", "!struct S: field 'c' added"));
  EXPECT_THAT(Compare("struct S{a:int;} table M{s:S;}", "struct S{z:float;} table M{s:S;}"),
              ElementsAre("!struct S: field 'a' removed", "!struct S: field 'z' added"));
  EXPECT_THAT(Compare("struct S{a:[int:2];} table M{s:S;}", "struct S{z:[float:2];} table M{s:S;}"),
              ElementsAre("!struct S: field 'a' removed", "!struct S: field 'z' added"));
}

TEST_F(Compatibility, BlamesTheInnerStructForTheAlignmentThatItAsksFor) {
  EXPECT_THAT(Compare("struct I{x:int;y:int;} struct O{i:I;} table M{o:O;}",
                      "struct I(force_align:8){x:int;y:int;} struct O{i:I;} table M{o:O;}"),
              ElementsAre("!struct I: alignment 4 -> 8 bytes"));
}

TEST_F(Compatibility, BlamesTheInnerStructForWhatItMoves) {
  EXPECT_THAT(Compare("struct P{x:int;} struct M{p:P;y:int;}", "struct P{x:int;z:int;} struct M{p:P;y:int;}"),
              ElementsAre("!struct P: field 'z' added (4 -> 8 bytes)"));
}

TEST_F(Compatibility, LooksIntoArraysAndVectorsOfStructs) {
  EXPECT_THAT(Compare("struct P{x:int;} struct M{p:[P:2];}", "struct P{x:uint;} struct M{p:[P:2];}"),
              ElementsAre("!struct P: field 'x' int -> uint"));
  EXPECT_THAT(Compare("struct P{x:int;} table M{p:[P];}", "struct P{x:int;y:int;} table M{p:[P];}"),
              ElementsAre("!struct P: field 'y' added (4 -> 8 bytes)"));
}

TEST_F(Compatibility, RefusesAStructOfAnotherSizeWithTheSameFields) {
  EXPECT_THAT(Compare("struct M{x:int;}", "struct M(force_align:16){x:int;}"),
              ElementsAre("!struct M: size 4 -> 16 bytes", "!struct M: alignment 4 -> 16 bytes"));
}

TEST_F(Compatibility, ToleratesAReaderThatNeedsLessAlignment) {
  EXPECT_THAT(Compare("struct M(force_align:8){x:int;y:int;}", "struct M{x:int;y:int;}"),
              ElementsAre("struct M: alignment 8 -> 4 bytes"));
}

// ---- enums and unions

TEST_F(Compatibility, RefusesAnEnumValueThatTheReaderLacks) {
  EXPECT_THAT(Compare("enum E:ubyte{A,B} table M{e:E;}", "enum E:ubyte{A} table M{e:E;}"),
              ElementsAre("!enum E: value 'B' (1) removed"));
}

TEST_F(Compatibility, NamesAnEnumValueThatOnlyTheReaderKnows) {
  EXPECT_THAT(Compare("enum E:ubyte{A} table M{e:[E];}", "enum E:ubyte{A,B} table M{e:[E];}"),
              ElementsAre("enum E: value 'B' (1) added"));
}

TEST_F(Compatibility, NamesTheGreatestNumberOfAnEnumAsItIsWritten) {
  EXPECT_THAT(Compare("enum E:ulong{A,B=18446744073709551615} table M{e:E;}", "enum E:ulong{A} table M{e:E;}"),
              ElementsAre("!enum E: value 'B' (18446744073709551615) removed"));
}

TEST_F(Compatibility, RefusesAnEnumValueWithAnotherNumber) {
  EXPECT_THAT(Compare("enum E:ubyte{A,B} table M{e:E;}", "enum E:ubyte{A,B=4} table M{e:E;}"),
              ElementsAre("!enum E: value 'B' 1 -> 4"));
}

TEST_F(Compatibility, NamesARenamedEnumValue) {
  EXPECT_THAT(Compare("enum E:ubyte{A,B} table M{e:E;}", "enum E:ubyte{A,C} table M{e:E;}"),
              ElementsAre("enum E: value 'B' renamed 'C'"));
}

TEST_F(Compatibility, ComparesBitFlagsByTheirBits) {
  EXPECT_THAT(Compare("enum E:uint(bit_flags){A,B,C} table M{e:E;}", "enum E:uint(bit_flags){A,B} table M{e:E;}"),
              ElementsAre("!enum E: value 'C' (4) removed"));
}

TEST_F(Compatibility, LooksIntoEnumsInsideStructs) {
  EXPECT_THAT(Compare("enum E:ubyte{A,B} struct M{e:[E:4];}", "enum E:ubyte{A} struct M{e:[E:4];}"),
              ElementsAre("!enum E: value 'B' (1) removed"));
}

TEST_F(Compatibility, RefusesAUnionMemberThatTheReaderLacks) {
  EXPECT_THAT(Compare("table A{} table B{} union U{A,B} table M{u:U;}", "table A{} union U{A} table M{u:U;}"),
              ElementsAre("!union U: member 'B' (2) removed"));
}

TEST_F(Compatibility, NamesAUnionMemberThatOnlyTheReaderKnows) {
  EXPECT_THAT(Compare("table A{} union U{A} table M{u:[U];}", "table A{} table B{} union U{A,B} table M{u:[U];}"),
              ElementsAre("union U: member 'B' (2) added"));
}

TEST_F(Compatibility, RefusesAUnionMemberOfAnotherType) {
  EXPECT_THAT(Compare("table A{} union U{A} table M{u:U;}", "table B{} union U{B} table M{u:U;}"),
              ElementsAre("!union U: member 'A' A -> B"));
}

TEST_F(Compatibility, RefusesUnionMembersInAnotherOrder) {
  EXPECT_THAT(Compare("table A{} table B{} union U{A,B} table M{u:U;}", "table A{} table B{} union U{B,A} table M{u:U;}"),
              ElementsAre("!union U: member 'A' 1 -> 2", "!union U: member 'B' 2 -> 1"));
}

TEST_F(Compatibility, LooksIntoUnionMembers) {
  EXPECT_THAT(Compare("table A{x:int;} union U{A} table M{u:U;}", "table A{x:long;} union U{A} table M{u:U;}"),
              ElementsAre("!table A: field 'x' int -> long"));
}

TEST_F(Compatibility, NamesAnAddedUnionOnce) {
  EXPECT_THAT(Compare("table A{} union U{A} table M{a:int;}", "table A{} union U{A} table M{a:int;u:U;}"),
              ElementsAre("table M: field 'u' added"));
}

// ---- the verdict

TEST_F(Compatibility, HasADirection) {
  const Bytes small = Compile("enum E:ubyte{A} table M{e:E;}");
  const Bytes large = Compile("enum E:ubyte{A,B} table M{e:E;}");

  EXPECT_TRUE(IsCompatible(*CompareSchemas(small, "M", large, "M")));
  EXPECT_FALSE(IsCompatible(*CompareSchemas(large, "M", small, "M")));
}

TEST_F(Compatibility, RefusesAnotherRootName) {
  const Bytes schema = Compile("table M{a:int;} table N{a:int;}");

  const auto differences = CompareSchemas(schema, "M", schema, "N");

  ASSERT_EQ(differences->size(), 1u);
  EXPECT_EQ((*differences)[0].text, "message type M -> N");
  EXPECT_TRUE((*differences)[0].breaking);
}

TEST_F(Compatibility, ReportsARootThatIsMissing) {
  const Bytes schema = Compile("table M{a:int;}");

  EXPECT_EQ(CompareSchemas(schema, "X", schema, "M").status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(CompareSchemas(schema, "M", schema, "X").status().code(), absl::StatusCode::kNotFound);
}

TEST_F(Compatibility, KeepsABreakingDifferenceThatComesAfterAThousandOthers) {
  std::string added = "table N{z:long;} table M{n:N;";
  for (int i = 0; i < 1500; ++i) absl::StrAppend(&added, "f", i, ":int;");

  const auto differences = CompareSchemas(Compile("table N{z:int;} table M{n:N;}"), "M", Compile(added + "}"), "M");

  EXPECT_EQ(differences->size(), 1000u);
  EXPECT_FALSE(IsCompatible(*differences));
}

TEST_F(Compatibility, LooksNoFurtherOnceItHasAThousandDifferencesOneOfThemBreaking) {
  std::string text = "table N{z:int;} table M{n:N;", changed = "table N{z:long;} table M{n:N;";
  for (int i = 0; i < 1001; ++i) absl::StrAppend(&text, "f", i, ":int;"), absl::StrAppend(&changed, "f", i, ":uint;");

  const auto differences = CompareSchemas(Compile(text + "}"), "M", Compile(changed + "}"), "M");

  EXPECT_EQ(differences->size(), 1000u);
  EXPECT_THAT(differences->back().text, ::testing::HasSubstr("table M"));
}

/// Tables that refer to each other in a ring.
std::string RingOfTables(int count) {
  std::string text;
  for (int i = 0; i < count; ++i) absl::StrAppend(&text, "table T", i, "{n:T", (i + 1) % count, ";}");
  return text + "table M{n:T0;}";
}

TEST_F(Compatibility, EndsOnTypesOfWhichEachMeetsEach) {
  const auto differences = CompareSchemas(Compile(RingOfTables(1000)), "M", Compile(RingOfTables(999)), "M");

  EXPECT_EQ(differences.status().code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(differences.status().message()), ::testing::HasSubstr("too intricate"));
}

// ---- hostile bytes

TEST_F(Compatibility, ReportsWhatIsNoSchemaAsDataLoss) {
  const Bytes schema = Compile("table M{a:int;}");
  const Bytes noise(100, 0x5a);
  const Bytes truncated(schema.begin(), schema.end() - 8);

  for (const Bytes& bad : {Bytes(), Bytes(1), noise, truncated, Bytes((1 << 20) + 1)}) {
    EXPECT_EQ(CompareSchemas(bad, "M", schema, "M").status().code(), absl::StatusCode::kDataLoss);
    EXPECT_EQ(CompareSchemas(schema, "M", bad, "M").status().code(), absl::StatusCode::kDataLoss);
  }
}

TEST_F(Compatibility, ReadsASchemaAtAnUnalignedAddress) {
  Bytes shifted = Compile("table M{a:int=7;b:double=1.5;}");
  shifted.insert(shifted.begin(), 0);

  const auto bytes = absl::MakeConstSpan(shifted).subspan(1);

  EXPECT_TRUE(CompareSchemas(bytes, "M", bytes, "M")->empty());
}

// A schema with one table M whose only field has the given type.
Bytes SchemaWithField(reflection::BaseType base, reflection::BaseType element, int index, const char* name = "a") {
  flatbuffers::FlatBufferBuilder builder;
  std::vector<flatbuffers::Offset<reflection::Field>> fields = {
      reflection::CreateFieldDirect(builder, name, reflection::CreateType(builder, base, element, index))};
  std::vector<flatbuffers::Offset<reflection::Object>> objects = {reflection::CreateObjectDirect(builder, "M", &fields)};
  std::vector<flatbuffers::Offset<reflection::Enum>> enums;
  reflection::FinishSchemaBuffer(builder, reflection::CreateSchemaDirect(builder, &objects, &enums));
  return Bytes(builder.GetBufferPointer(), builder.GetBufferPointer() + builder.GetSize());
}

TEST(HostileSchema, WithAnIndexOutsideTheSchemaIsDataLoss) {
  using reflection::BaseType;
  const std::vector<Bytes> schemas = {
      SchemaWithField(BaseType::Obj, BaseType::None, 1),      SchemaWithField(BaseType::Obj, BaseType::None, -1),
      SchemaWithField(BaseType::Vector, BaseType::Obj, 9),    SchemaWithField(BaseType::Union, BaseType::None, 0),
      SchemaWithField(BaseType::UType, BaseType::None, 3),    SchemaWithField(BaseType::Int, BaseType::None, 1 << 30),
      SchemaWithField(BaseType::Vector, BaseType::Vector, 0), SchemaWithField(static_cast<BaseType>(99), BaseType::None, 0)};

  for (const Bytes& schema : schemas) {
    EXPECT_EQ(CompareSchemas(schema, "M", schema, "M").status().code(), absl::StatusCode::kDataLoss);
  }
}

TEST(HostileSchema, WithATerminalEscapeInANameIsDataLoss) {
  const Bytes schema = SchemaWithField(reflection::Int, reflection::None, -1, "\x1b[2J");

  EXPECT_EQ(CompareSchemas(schema, "M", schema, "M").status().code(), absl::StatusCode::kDataLoss);
}

TEST_F(Compatibility, NeverCrashesOnMutatedSchemas) {
  const Bytes valid = Compile("namespace r; enum E:ubyte{A,B} struct S{x:[float:3];e:E;} table T{m:M;n:[T];} union U{T,S}"
                              "table M{a:int=3;b:long=null;s:string(required);v:[S];u:U;w:[U];e:[E];d:double=nan;t:[T];}");
  const auto seed = std::random_device()();
  SCOPED_TRACE(absl::StrCat("seed ", seed));
  RecordProperty("seed", absl::StrCat(seed));
  std::mt19937 random(seed);

  int verified = 0;
  for (int round = 0; round < 20'000; ++round) {
    Bytes mutated = valid;
    for (unsigned edits = 1 + random() % 4; edits > 0; --edits) {
      mutated[random() % mutated.size()] = static_cast<std::uint8_t>(random() % 2 == 0 ? random() : random() % 32);
    }
    verified += CompareSchemas(mutated, "r.M", valid, "r.M").ok();
    verified += CompareSchemas(valid, "r.M", mutated, "r.M").ok();
  }

  EXPECT_GT(verified, 0) << "no mutation reached the comparison";
}

}  // namespace
}  // namespace shmcomm::channel
