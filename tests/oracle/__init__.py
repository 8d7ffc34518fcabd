"""Long random sequences of edits, builds, kills and reverts, held against a model.

`python -m tests.oracle --sequences 2000 --seed 7` runs many; CI runs some
(tests/integration/test_oracle.py).
"""
