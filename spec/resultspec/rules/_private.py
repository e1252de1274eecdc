"""What a handler keeps confidential, and what it withstands: the family *private*."""

from ._model import Level, Rule, code

RULES: tuple[Rule, ...] = (
    Rule(
        id="private.opaque-reference",
        cls="private",
        level=Level.MUST,
        statement="A reference must reveal nothing of the value, neither plain nor encoded.",
        law=code("""
            assume(v in domain(h))
            r = h.write(v)
            assert not reveals(json.dumps(r), v)
        """),
        intent=(
            "The intent of this rule is that people keep control of their data although the engine keeps the "
            "references, shows them to operators and can belong to somebody else. Base64, hex, compression and pickle "
            "hide nothing. An inline handler cannot keep this rule and therefore does not claim the class private."
        ),
        requires=("handler.json-reference",),
        hints=(
            "Check whether the name is made of the value, of its repr or of one of its fields.",
            "Check whether the reference carries a preview, a summary or column names.",
            "Check whether small values are kept in the reference itself.",
        ),
    ),
    Rule(
        id="private.quiet-errors",
        cls="private",
        level=Level.MUST,
        statement=(
            "An error text, log record, warning or traceback note of the handler must not carry the value or a credential."
        ),
        law=code("""
            r = h.write(v)
            with captured() as output:
                outcome(lambda: h.write(refused))
                outcome(lambda: h.read(unknown(r)))
            for secret in (v, refused, *credentials(h)):
                assert not reveals(output, secret)
        """),
        intent=(
            "The intent of this rule is that private data does not leave by the door of error reports, which are "
            "stored, mailed and pasted into tickets. The reference itself can appear in an error; the value, a "
            "credential and the query string of a signed address cannot."
        ),
        hints=(
            'Check whether a message is made with the value, as in `f"cannot store {value!r}"`; name its type instead.',
            "Check whether the cause quotes its input, as the errors of `json` and of codecs do in `doc` and `object`.",
            "Check whether an address in a message carries a password or a signed query string.",
            "Check whether a client library logs requests with their headers or bodies.",
        ),
    ),
    Rule(
        id="private.quiet-repr",
        cls="private",
        level=Level.MUST,
        statement="The repr and the str of a handler must carry no credential and no value.",
        law=code("""
            h.write(v)
            for text in (repr(h), str(h)):
                for secret in (v, *credentials(h)):
                    assert not reveals(text, secret)
        """),
        intent=(
            "The intent of this rule is that a handler can be logged, shown in a traceback with local variables and "
            "drawn in a user interface. The repr that dataclasses and attrs generate prints every field, the password "
            "among them."
        ),
        hints=(
            "Check that fields with credentials are declared with `repr=False`.",
            "Check whether a connection string or address with a password in it is among the fields.",
            "Check whether a cache of values, or the last value, is part of the repr.",
        ),
    ),
    Rule(
        id="private.confined-read",
        cls="private",
        level=Level.MUST,
        statement="A handler must not read outside its own storage, whatever the reference says.",
        law=code("""
            planted = plant_outside(h, v)
            for r in escapes(h, planted):
                w = outcome(lambda: h.read(r))
                assert isinstance(w, Exception) or not equal(w, v)
        """),
        intent=(
            "The intent of this rule is that whoever can alter a reference, which is kept by the engine and not by the "
            "owner of the data, gains no access to other files, buckets or hosts. To raise is right, and so is to read "
            "one's own storage through an odd spelling."
        ),
        requires=("handler.round-trip",),
        hints=(
            ("Check that the resolved path is tested to lie within the storage: joining an absolute path discards the base."),
            "Check whether percent-encoding, backslashes or NUL are interpreted after the test.",
            "Check whether the scheme, host or bucket is taken from the reference; take it from the configuration.",
            "Check that only a regular file is opened, and no integer as a file descriptor.",
        ),
    ),
    Rule(
        id="private.safe-read",
        cls="private",
        level=Level.MUST,
        statement="A read must not run code that a reference or a tampered stored value brings along.",
        law=code("""
            r = h.write(v)
            replace_stored(h, r, payload)
            for s in (r, *hostile_references(r)):
                outcome(lambda: h.read(s))
                assert not payload.ran
        """),
        intent=(
            "The intent of this rule is that access to the engine's database or to the storage is not access to the "
            "workers. Pickle, YAML and their kin run what they load; a keyed signature that is verified first, or a "
            "format that cannot execute, closes that door. Pickle within one's own trusted storage is fine for the "
            "other classes, which do not ask this."
        ),
        requires=("handler.round-trip",),
        hints=(
            (
                "Check whether read calls `pickle.load`, `joblib.load`, `yaml.load`, `eval`, or `np.load` with "
                "`allow_pickle=True`."
            ),
            "Check that the signature is verified before anything is decoded, with `hmac.compare_digest`.",
            "Check whether a class or function that the reference or the stored value names is imported.",
        ),
    ),
    Rule(
        id="private.tamper-evident",
        cls="private",
        level=Level.SHOULD,
        statement="A read should refuse a stored value that somebody without the key has put in place of the original.",
        law=code("""
            assume(external(h))
            r, s = h.write(v), h.write(w)
            replace_stored(h, r, stored(h, s))
            with raises(Exception):
                h.read(r)
        """),
        intent=(
            "The intent of this rule is that whoever can write to the storage cannot choose what a task computes with. "
            "A plain checksum can be computed again by anybody, and a signature that does not cover the name lets one "
            "genuine value be served for another."
        ),
        requires=("durable.corruption",),
        hints=(
            "Check that the checksum is keyed, as an HMAC or an authenticated cipher is.",
            (
                "Check that the signature covers the name or reference as well as the bytes, so that two stored values "
                "cannot be swapped."
            ),
            "Check that the key is kept outside the storage.",
            "Check whether a link that somebody put into the storage is followed.",
        ),
    ),
    Rule(
        id="private.bounded-read",
        cls="private",
        level=Level.SHOULD,
        statement="A read should refuse a hostile reference within bounded time and memory.",
        law=code("""
            for r in hostile_references(h.write(v)):
                with bounded_time_and_memory(), raises(Exception):
                    h.read(r)
        """),
        intent=(
            "The intent of this rule is that one bad reference cannot stop a worker that serves everybody. References "
            "that are huge, deeply nested or compressed many times over, and names of pipes and endless devices, cost "
            "a line to write and hours to read."
        ),
        requires=("handler.round-trip",),
        hints=(
            "Check that the length of the reference is tested before it is parsed, decoded or matched.",
            "Check whether data from the reference is decompressed or parsed recursively without a limit.",
            "Check that a file is known to be regular before it is read: a FIFO blocks, and /dev/zero has no end.",
        ),
    ),
    Rule(
        id="private.file-mode",
        cls="private",
        level=Level.SHOULD,
        statement="A file that a handler creates should be readable by its owner alone.",
        law=code("""
            os.umask(0o022)
            h.write(v)
            for path in files(h):
                assert path.stat().st_mode & 0o044 == 0
        """),
        intent=(
            "The intent of this rule is that other accounts on a shared machine cannot read the results. The usual "
            "umask makes new files readable by everybody, and the mode of the directory above them is one `chmod` away "
            "from no protection."
        ),
        requires=("handler.round-trip",),
        hints=(
            (
                "Check whether files are made with `open`, whose mode is 0o666 less the umask; `os.open` with 0o600 "
                "and `tempfile.mkstemp` are private."
            ),
            "Check whether `chmod` comes after the data, which leaves a moment in which others can read.",
            "Check that the mode survives copying and renaming: a renamed file keeps the mode of the temporary one.",
        ),
    ),
)
