#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "rlhf/feedback/comparisons.h"
#include "rlhf/feedback/text_features.h"
#include "rlhf/feedback/vote_summary.h"
#include "rlhf/feedback/votes.h"
#include "rlhf/records/judgments.h"

namespace rlhf {

/// The choices of a vote.
inline constexpr std::int32_t kFirst = 0, kSecond = 1, kTied = 2;

/// A person or model in one role.
struct AuditedAnnotator {
  std::string name;
  AnnotatorRole role = AnnotatorRole::crowd;
};

/// Two different completions of one prompt, in the order of the first record that has them. All records with these two
/// texts are one item.
struct AuditedItem {
  CompletionPair completions;
  std::int32_t record = 0;  ///< index of the first record that has it; in increasing order
  std::string name;         ///< of this record: its id, or "record 7"
};

/// Judgments as arrays. Each order that a judgment gives two responses is a vote: a choice among K responses gives
/// K − 1 votes, ranks give K·(K − 1)/2, and a tie as many.
struct AuditedVotes {
  Votes votes;
  VoteDetails details;
  std::vector<double> strengths;     ///< [votes], −1 to 1: above 0 for the first completion, in shares of the
                                     ///< scale; NaN where a choice has no strength
  std::vector<std::int32_t> domain;  ///< [votes], index of `domains`
  std::vector<AuditedAnnotator> annotators;
  std::vector<std::string> domains;  ///< "" where a record has none
  std::vector<AuditedItem> items;
  std::vector<TextFeatures> features;       ///< [completions]
  std::vector<std::string> completions;     ///< [completions], names: that of a record and the id or index in it
  std::vector<std::string> repeats;         ///< names of records that have a pair of an earlier record
  std::vector<std::string> same_texts;      ///< names of records with a pair of equal texts, which is no item
  std::vector<std::string> gold_conflicts;  ///< names of records whose gold contradicts that of an earlier record,
                                            ///< where that of the item is unknown
  std::int64_t records = 0, judgments = 0, both_bad = 0;
};

/// Numbers from 0 for texts, in the order of their first use.
class Numbering {
 public:
  struct Place {
    std::int32_t number = 0;
    bool is_new = false;
  };
  Place operator()(const std::string& text);

 private:
  std::unordered_map<std::string, std::int32_t> numbers_;
};

/// Collects the votes of records.
class VoteCollector {
 public:
  VoteCollector();
  void add(const JudgedRecord& record);
  /// Everything collected. Throws DataError if there is no vote on two different texts.
  AuditedVotes take(const std::string& file);

 private:
  struct Item {
    std::int32_t number = 0;
    bool swapped = false;  ///< the first response is the second completion
  };
  std::vector<std::int32_t> add_completions(const JudgedRecord& record, const std::string& name);
  Item add_item(const CompletionPair& pair, const std::string& name);
  void add_gold(const JudgedRecord& record, std::size_t a, std::size_t b, const Item& item, const std::string& name);
  void add_vote(const JudgedRecord& record, const Judgment& judgment, std::size_t a, std::size_t b, const Item& item);
  std::int32_t annotator_of(const Judgment& judgment);
  std::int32_t domain_of(const std::string& domain);

  AuditedVotes all_;
  Numbering prompts_, completions_, items_, annotators_, domains_;
  std::vector<bool> has_gold_;  ///< [items]; true also where the gold of records contradicts
};

}  // namespace rlhf
