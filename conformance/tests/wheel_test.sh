#!/bin/sh
# Builds the wheel and uses it outside the tree: bare beside pytest, then with its extras.
# Argument: the Python of an environment that has `build`, `hatchling` and everything the extras name.
set -eu
python=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$python" -m build --wheel --no-isolation --outdir "$work" . > "$work/build.log" 2>&1 || { cat "$work/build.log"; exit 1; }

# Bare: the specification and pytest, without the extra that the pytest plugin belongs to.
"$python" -m venv "$work/bare"
"$work/bare/bin/python" -m pip install --quiet "$work"/*.whl pytest
cat > "$work/test_bare.py" <<'P'
def test_the_specification_alone_works():
    import resultspec.rules
    assert resultspec.rules.RULES
P
(cd "$work" && bare/bin/python -m pytest -q -p no:cacheprovider test_bare.py)
(cd "$work" && bare/bin/resultspec check anything:at_all && exit 1 || [ $? -eq 2 ])

# With the extras: the installed wheel, not the tree, judges a handler.
"$python" -m venv "$work/full"
"$work/full/bin/python" -m pip install --quiet --require-hashes -r constraints.txt
"$work/full/bin/python" -m pip install --quiet --no-deps "$work"/*.whl
cat > "$work/mine.py" <<'P'
import json

class Mine:
    def write(self, value: bool, /) -> str:
        if type(value) is not bool:
            raise TypeError("a bool is wanted")
        return json.dumps(value)

    def read(self, reference: str, /) -> bool:
        if reference not in ("true", "false"):
            raise ValueError("not a reference of this handler")
        return reference == "true"
P
(cd "$work" && full/bin/resultspec check mine:Mine --html page.html --junit junit.xml --badge badge.svg)
(cd "$work" && grep -q "<style>:root" page.html && grep -q "<testsuite " junit.xml && grep -q "conforms" badge.svg)

# What an adapter derives from its product is unknown without it: its types are checked beside it, by `make adapters`.
for adapter in "$work"/full/lib/python*/site-packages/resultspec_reference/adapters/[!_]*.py; do
  name=$(basename "$adapter" .py)
  (cd "$work" && full/bin/python -c "
try:
    import resultspec_reference.adapters.$name
except ModuleNotFoundError:
    import os; os.remove('$adapter')
")
done

# The types of what is public are complete, as whoever installs the wheel sees them. (pyright looks where PATH begins.)
for package in resultspec resultspec_reference; do
  (cd "$work" && PATH="$work/full/bin:$PATH" pyright --verifytypes "$package" --ignoreexternal > "$package.types") \
    || { cat "$work/$package.types"; exit 1; }
  grep -q "Path of py.typed file: \"$work/full/" "$work/$package.types"
  grep "Type completeness score: 100%" "$work/$package.types"
done
