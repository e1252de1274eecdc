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

# The types of what is public are complete, as whoever installs the wheel sees them. (pyright looks where PATH begins.) Those of
# an adapter are complete beside its product, which is not here: mypy checks them there.
for package in resultspec resultspec_reference; do
  (cd "$work" && PATH="$work/full/bin:$PATH" pyright --verifytypes "$package" --ignoreexternal --outputjson > "$package.types") || true
  "$python" - "$work" "$package" <<'P'
import json, pathlib, sys

work, package = sys.argv[1:]
found = json.loads(pathlib.Path(work, f"{package}.types").read_text())["typeCompleteness"]
own = [one for one in found["symbols"] if one["isExported"] and not one["name"].startswith("resultspec_reference.adapters.")]
unknown = [one["name"] for one in own if not one["isTypeKnown"] or one["isTypeAmbiguous"]]
if not own or unknown or not found["pyTypedPath"].startswith(f"{work}/full/"):
    sys.exit(f"the types of {package} at {found['pyTypedPath']} are incomplete: {', '.join(unknown) or 'there are none'}")
print(f"{package}: {len(own)} names are typed")
P
done
