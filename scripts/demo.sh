#!/usr/bin/env bash
# Builds, then runs the main job on a world of its own: text, demonstrations, reward model, PPO. Then it trains reward
# model and policy again on the same pairs, whose labels come in several ways from a crowd that likes agreement and from
# a few experts.
# Starts over in runs/demo each time.
#   make demo            make demo SEED=2
# RLHF_BIN=DIR takes the programs in that folder instead of building them.
# LAUNCH="mpirun -np 2" stands before each training tool of the main job, and the crowd is left out (docs/ranks.md).
set -euo pipefail
export LC_ALL=C OMP_WAIT_POLICY=passive  # threads that have nothing to do sleep
cd "$(dirname "$0")/.."
[[ -n "${RLHF_BIN:-}" ]] || scripts/build.sh rlhf_demo

seed=${SEED:-1}
run=runs/demo
seconds=()
read -ra launch <<<"${LAUNCH:-}"

stage() {  # NAME COMMAND…: runs the command and remembers how long it took
  local name=$1 start=${EPOCHREALTIME/./} took
  shift
  echo "== $name: $*"
  "$@"
  took=$(((${EPOCHREALTIME/./} - start) / 1000))
  seconds+=("$name=$((took / 1000)).$(printf %03d $((took % 1000)))")
}

PATH=${RLHF_BIN:-$PWD/build/bin}:$PATH
rm -rf "$run"
mkdir -p "$run"

agreement-world --seed "$seed" --output "$run/world"
rlhf-tokenizer --input "$run/world/text.jsonl" --vocab-size 384 --output "$run/tokenizer"

stage text "${launch[@]}" rlhf-sft --config configs/demo/text.yaml train.seed="$seed"
agreement-evaluate arithmetic --model "$run/text/final" --questions "$run/world/eval.jsonl"

stage sft "${launch[@]}" rlhf-sft --config configs/demo/sft.yaml train.seed="$seed"
stage pairs rlhf-generate --model "$run/sft/final" --input "$run/world/pair_prompts.jsonl" --num-samples 2 \
  --max-new-tokens 14 --batch-size 512 --seed "$seed" --json --output "$run/samples.jsonl"
agreement-judge --samples "$run/samples.jsonl" --output "$run/pairs.jsonl" --judgments "$run/judgments.jsonl" \
  --expert-pairs "$run/expert_pairs.jsonl" --seed "$seed"
stage rm "${launch[@]}" rlhf-rm --config configs/demo/rm.yaml train.seed="$seed"
stage ppo "${launch[@]}" rlhf-ppo --config configs/demo/ppo.yaml train.seed="$seed"

echo
agreement-evaluate compare --sft "$run/sft/final" --ppo-run "$run/ppo" --reward "$run/rm/final" \
  --questions "$run/world/eval.jsonl" --seed "$seed" --output "$run" --seconds "${seconds[@]}"
echo "$run/summary.json has these figures, $run/report.html the curves"
((${#launch[@]} == 0)) || exit 0

cores=$(nproc)
at_once=$((cores > 3 ? cores / 2 : 1))  # runs of two threads

train_on() {  # NAME DATA KEY=VALUE…: a reward model on DATA, and a policy with it, in judges/NAME
  local output=$run/judges/$1 data=$2 start=$SECONDS
  shift 2
  mkdir -p "$output"
  {
    rlhf-rm --config configs/demo/rm.yaml data.train="[$data]" train.output="$output/rm" train.seed="$seed" "$@" &&
      # Scores of noisy labels are smaller, and so is the weight of the penalty beside them.
      rlhf-ppo --config configs/demo/ppo.yaml model.reward="$output/rm/final" ppo.kl_coef=0.6 \
        train.output="$output/ppo" train.seed="$seed"
  } >"$output/log.txt" 2>&1 || { tail -5 "$output/log.txt" >&2; return 1; }
  echo "== $output: $((SECONDS - start)) s, log.txt has what the tools said"
}

start_arm() {  # waits until a run may start beside the others
  while (($(jobs -rp | wc -l) >= at_once)); do wait -n; done
  OMP_NUM_THREADS=$((cores / at_once)) train_on "$@" &
}

echo
start_arm majority "$run/judgments.jsonl"
start_arm drop_in_play "$run/judgments.jsonl" reward_model.annotators=drop_in_play
start_arm latent "$run/judgments.jsonl" reward_model.annotators=latent
start_arm experts "$run/expert_pairs.jsonl" train.epochs=10
start_arm truth "$run/pairs.jsonl"
while (($(jobs -rp | wc -l) > 0)); do wait -n; done

echo
agreement-evaluate judges --sft "$run/sft/final" --questions "$run/world/eval.jsonl" --judgments "$run/judgments.jsonl" \
  --arms "$run"/judges/{majority,drop_in_play,latent,experts,truth} --seed "$seed" --output "$run"
echo "$run/judges.json has these figures, $run/judges.svg a picture"
