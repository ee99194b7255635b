#include "plimsoll/governor/admission.h"

#include <gtest/gtest.h>

#include <string>

namespace plimsoll {
namespace {

using namespace std::chrono_literals;
using Verdict = Admission::Verdict;

constexpr Admission kAccept{Verdict::kAccept, 0ms};
constexpr Admission kReject{Verdict::kReject, 0ms};
constexpr Admission kWait100{Verdict::kWait, 100ms};
constexpr Admission kWait500{Verdict::kWait, 500ms};
constexpr Admission kPause10{Verdict::kPause, 10ms};
constexpr Admission kPause100{Verdict::kPause, 100ms};
constexpr Admission kHalf{Verdict::kAccept, 0ms, 1};
constexpr Admission kQuarter{Verdict::kAccept, 0ms, 2};

struct Row {
  RequestKind kind;
  Admission at[kLevels];  // while something can be dropped
  Admission emergency_with_nothing;
  Admission critical_with_nothing;
};
constexpr Row kRows[kRequestKinds] = {
    {RequestKind::kRead, {kAccept, kAccept, kAccept, kAccept, kAccept}, kAccept, kAccept},
    {RequestKind::kWrite, {kAccept, kAccept, kAccept, kAccept, kAccept}, kAccept, kAccept},
    {RequestKind::kBody, {kAccept, kAccept, kAccept, kWait100, kWait100}, kReject, kWait100},
    {RequestKind::kAdmin, {kAccept, kAccept, kAccept, kWait100, kWait500}, kWait500, kWait100},
    {RequestKind::kConnect, {kAccept, kAccept, kAccept, kAccept, kReject}, kReject, kAccept},
    {RequestKind::kProduce, {kAccept, kAccept, kPause10, kPause100, kReject}, kReject, kReject},
    {RequestKind::kFetch, {kAccept, kAccept, kAccept, kHalf, kQuarter}, kQuarter, kHalf},
};

TEST(Admission, IsTheTableForEveryLevelAndKind) {
  for (const Row& row : kRows) {
    for (std::size_t l = 0; l < kLevels; ++l) {
      Level level = static_cast<Level>(l);
      SCOPED_TRACE(std::string(name_of(row.kind)) + " at " + std::string(name_of(level)));
      EXPECT_EQ(admission_for(level, row.kind, true), row.at[l]);
      EXPECT_EQ(admission_for(level, row.kind, false), level == Level::kEmergency ? row.emergency_with_nothing
                                                       : level == Level::kCritical ? row.critical_with_nothing
                                                                                   : row.at[l]);
    }
  }
}

TEST(AdmissionBoard, AcceptsEverythingBeforeAnybodyPublished) {
  AdmissionBoard board;
  for (const Row& row : kRows) EXPECT_EQ(board.look(row.kind), kAccept);
  EXPECT_EQ(board.level(), Level::kNormal);
}

TEST(AdmissionBoard, ShowsWhatWasPublishedInOneWord) {
  AdmissionBoard board;
  for (std::size_t l = 0; l < kLevels; ++l) {
    for (bool droppable : {true, false}) {
      Level level = static_cast<Level>(l);
      board.publish(level, droppable, 1);
      EXPECT_EQ(board.level(), level);
      for (const Row& row : kRows) {
        EXPECT_EQ(board.look(row.kind), admission_for(level, row.kind, droppable)) << name_of(row.kind);
      }
    }
  }
}

TEST(AdmissionBoard, GivesProducersTheShareOfThePauseThatWasPublished) {
  AdmissionBoard board;
  board.publish(Level::kCritical, true, 0.25);
  EXPECT_EQ(board.look(RequestKind::kProduce).wait, 25ms);
  EXPECT_EQ(board.look(RequestKind::kProduce).verdict, Verdict::kPause);
  EXPECT_EQ(board.look(RequestKind::kAdmin).wait, 100ms) << "the wait of others is not shared out";
  board.publish(Level::kHigh, true, 7);
  EXPECT_EQ(board.look(RequestKind::kProduce).wait, 10ms) << "never above the bound";
}

TEST(Admission, HasWords) {
  EXPECT_EQ(name_of(RequestKind::kRead), "read");
  EXPECT_EQ(name_of(RequestKind::kWrite), "write");
  EXPECT_EQ(name_of(RequestKind::kBody), "body");
  EXPECT_EQ(name_of(RequestKind::kAdmin), "admin");
  EXPECT_EQ(name_of(RequestKind::kConnect), "connect");
  EXPECT_EQ(name_of(RequestKind::kProduce), "produce");
  EXPECT_EQ(name_of(RequestKind::kFetch), "fetch");
  EXPECT_EQ(name_of(Verdict::kPause), "pause");
  EXPECT_EQ(name_of(Verdict::kAccept), "accept");
  EXPECT_EQ(name_of(Verdict::kWait), "wait");
  EXPECT_EQ(name_of(Verdict::kReject), "reject");
}

}  // namespace
}  // namespace plimsoll
