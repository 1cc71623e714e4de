#!/bin/sh
# A reward for rlhf-ppo: short responses score higher, -length/100. Needs jq.
#   rlhf-ppo 'reward.terms=[{name: short, command: [sh, examples/rewards/length.sh]}]' …
exec jq --unbuffered '.response | length | -. / 100'
