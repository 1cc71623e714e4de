"""A reward for rlhf-ppo: the share of vowels in a response.

rlhf-ppo 'reward.terms=[{name: vowels, command: [python3, examples/rewards/vowels.py]}]' …
"""
import json
import sys

for line in sys.stdin:
    response = json.loads(line)["response"]
    print(sum(letter in "aeiou" for letter in response) / max(1, len(response)), flush=True)
