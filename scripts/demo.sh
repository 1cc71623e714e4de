#!/usr/bin/env bash
# Builds, then runs the main job on a world of its own: text, demonstrations, reward model, PPO. Then it trains reward
# model and policy again on the same pairs, whose labels come in several ways from a crowd that likes agreement and from
# a few experts.
# Starts over in runs/demo each time.
#   make demo            make demo SEED=2
# RLHF_BIN=DIR takes the programs in that folder instead of building them.
set -euo pipefail
export LC_ALL=C OMP_WAIT_POLICY=passive  # threads that have nothing to do sleep
cd "$(dirname "$0")/.."
[[ -n "${RLHF_BIN:-}" ]] || scripts/build.sh rlhf_demo

seed=${SEED:-1}
run=runs/demo
seconds=()

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

stage text rlhf-sft --config configs/demo/text.yaml train.seed="$seed"
agreement-evaluate arithmetic --model "$run/text/final" --questions "$run/world/eval.jsonl"

stage sft rlhf-sft --config configs/demo/sft.yaml train.seed="$seed"
stage pairs rlhf-generate --model "$run/sft/final" --input "$run/world/pair_prompts.jsonl" --num-samples 2 \
  --max-new-tokens 14 --batch-size 512 --seed "$seed" --json --output "$run/samples.jsonl"
agreement-judge --samples "$run/samples.jsonl" --output "$run/pairs.jsonl" --judgments "$run/judgments.jsonl" \
  --expert-pairs "$run/expert_pairs.jsonl" --seed "$seed"
stage rm rlhf-rm --config configs/demo/rm.yaml train.seed="$seed"
stage ppo rlhf-ppo --config configs/demo/ppo.yaml train.seed="$seed"

echo
agreement-evaluate compare --sft "$run/sft/final" --ppo-run "$run/ppo" --reward "$run/rm/final" \
  --questions "$run/world/eval.jsonl" --seed "$seed" --output "$run" --seconds "${seconds[@]}"
echo "$run/summary.json has these figures, $run/report.html the curves"

train_on() {  # DATA OUTPUT KEY=VALUE…: a reward model on DATA, and a policy with it
  local data=$1 output=$2
  shift 2
  rlhf-rm --config configs/demo/rm.yaml data.train="[$data]" train.output="$output/rm" train.seed="$seed" "$@"
  # Scores of noisy labels are smaller, and so is the weight of the penalty beside them.
  rlhf-ppo --config configs/demo/ppo.yaml model.reward="$output/rm/final" ppo.kl_coef=0.6 train.output="$output/ppo" \
    train.seed="$seed"
}
stage majority train_on "$run/judgments.jsonl" "$run/judges/majority"
stage drop_in_play train_on "$run/judgments.jsonl" "$run/judges/drop_in_play" reward_model.annotators=drop_in_play
stage latent train_on "$run/judgments.jsonl" "$run/judges/latent" reward_model.annotators=latent
stage experts train_on "$run/expert_pairs.jsonl" "$run/judges/experts" train.epochs=10
stage truth train_on "$run/pairs.jsonl" "$run/judges/truth"

echo
agreement-evaluate judges --sft "$run/sft/final" --questions "$run/world/eval.jsonl" --judgments "$run/judgments.jsonl" \
  --arms "$run"/judges/{majority,drop_in_play,latent,experts,truth} --seed "$seed" --output "$run"
echo "$run/judges.json has these figures, $run/judges.svg a picture"
echo "seconds of the stages: ${seconds[*]}"
