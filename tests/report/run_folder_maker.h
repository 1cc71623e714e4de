#pragma once

#include <string>

#include "support/temporary_folder.h"

namespace rlhf::testing {

/// A small run of rlhf-ppo, written as the trainer writes it.
inline void make_ppo_run(const TemporaryFolder& folder, const std::string& name) {
  folder.write(name + "/run.json", R"({"stage": "ppo", "total_steps": 3, "version": "9.8.7", "plan": {
      "summary": "3 rollouts of 8 responses", "data": ["20 prompts", "longest 5 tokens"], "memory": "12 MiB",
      "compute": "cpu, float32"}})");
  folder.write(name + "/config.yaml", "ppo:\n  kl_coef: 0.05\ntrain:\n  seed: 1\n");
  folder.write(name + "/metrics.jsonl",
               R"({"step":1,"objective/kl":0.0,"objective/scores":-1.5,"policy/entropy_avg":2.0,"episode":8,"my/own":4}
{"step":2,"objective/kl":0.5,"objective/scores":null,"policy/entropy_avg":1.5,"episode":16,"my/own":5}
{"step":3,"objective/kl":0.25,"objective/scores":2.5,"policy/entropy_avg":1.0,"episode":24,"my/own":6}
)");
  folder.write(name + "/samples.jsonl",
               R"({"step":1,"prompt":"1+1=","response":"3","score":-1.5,"kl":0,"finish":"stop","record":{"sum":2}}
{"step":2,"prompt":"1+2=","response":"second","score":0.5,"kl":0.1,"finish":"length"}
{"step":3,"prompt":"2+2=","response":"4","score":2.25,"kl":0.2,"finish":"stop"}
)");
  folder.write(name + "/log.txt",
               "2026-01-31 23:59:00 info: plan: from the log\n"
               "2026-01-31 23:59:01 warning: the value model is a new head\n"
               "2026-02-01 00:01:05 info: ppo 3/3  objective/scores 2.5\n");
}

}  // namespace rlhf::testing
