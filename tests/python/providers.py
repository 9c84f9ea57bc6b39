"""The OpenFeature SDK of Python with its providers, OFREP's and flagd's in both modes, against a node."""

import itertools
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import threading
import time
import unittest
import urllib.request

from openfeature import api
from openfeature.contrib.provider.flagd import FlagdProvider
from openfeature.contrib.provider.flagd.config import ResolverType
from openfeature.contrib.provider.ofrep import OFREPProvider
from openfeature.evaluation_context import EvaluationContext
from openfeature.event import ProviderEvent

TOKEN = "token-of-the-tests"
VECTORS = pathlib.Path(__file__).parent.parent / "vectors"
PLACE = "/api/v1/tenants/demo/flags/static-boolean-0/environments/development"
BOUND_SECONDS = 30

# in process the client's own engine answers, which compares versions otherwise than flagd
OTHER_ENGINE = ("targeted-4", "targeted-5")
# it buckets by this version, for which an environment has a setting
OTHER_BUCKETING = 3


def until(what, probe):
    end = time.monotonic() + BOUND_SECONDS
    while not (seen := probe()):
        assert time.monotonic() < end, what
        time.sleep(0.02)
    return seen


class Node:
    """A node with the document of a hundred flags."""

    def __init__(self):
        self.data = tempfile.mkdtemp(prefix="burgee-python-")
        self.start("127.0.0.1:0", "127.0.0.1:0")

    def start(self, http, grpc):
        place = f"demo/development={VECTORS / 'hundred.json'}"
        options = ["--announce", "--listen", http, "--grpc-listen", grpc, "--data-dir", self.data]
        options += ["--admin-token", TOKEN, "--import", place, "--grpc-open", "demo/development"]
        program = [os.environ["BURGEE_BIN"], "serve", *options]
        self.process = subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        said = json.loads(self.process.stdout.readline())
        self.http, self.grpc = said["http"], said["grpc"]
        until("ready", self.ready)

    def ready(self):
        try:
            return urllib.request.urlopen(f"http://{self.http}/readyz").status == 200
        except OSError:
            return False

    def restart(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.start(self.http, self.grpc)

    def ask(self, method, path, document):
        headers = {"authorization": f"Bearer {TOKEN}", "content-type": "application/json"}
        body = json.dumps(document).encode()
        request = urllib.request.Request(f"http://{self.http}{path}", body, headers, method=method)
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    def default_variant(self, variant):
        self.ask("PATCH", PLACE, {"defaultVariant": variant})

    def bucketing(self, version):
        self.ask("PATCH", "/api/v1/tenants/demo/environments/development", {"fractionalVersion": version})

    def all(self, context):
        """What the node itself answers, by flag."""
        items = self.ask("POST", "/e/demo/development/ofrep/v1/evaluate/flags", {"context": context})["flags"]
        return {item["key"]: item for item in items}

    def end(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        shutil.rmtree(self.data, ignore_errors=True)

    def provider(self, kind):
        if kind == "ofrep":
            show = lambda: {"authorization": f"Bearer {TOKEN}"}  # noqa: E731
            return OFREPProvider(f"http://{self.http}/e/demo/development", headers_factory=show)
        host, port = self.grpc.split(":")
        return FlagdProvider(host=host, port=int(port), resolver_type=ResolverType(kind), deadline_ms=5000,
                             retry_backoff_ms=100, retry_backoff_max_ms=500)


def kind_of(variants):
    """A value of the kind that a flag's application asks for: with one fraction, all its numbers are fractions."""
    values = list(variants.values())
    return next((value for value in values if isinstance(value, float)), values[0])


def ask(client, value, flag, context):
    """Evaluates with the accessor of a value's type; gives the details and the default."""
    context = dict(context)
    context = EvaluationContext(context.pop("targetingKey", None), context)
    for kinds, method, default in [
        ((bool,), client.get_boolean_details, False),
        ((str,), client.get_string_details, "code default"),
        ((int,), client.get_integer_details, -999),
        ((float,), client.get_float_details, -999.5),
        ((dict, list), client.get_object_details, {"code": "default"}),
    ]:
        if isinstance(value, kinds):
            return method(flag, default, context), default
    raise AssertionError(f"{flag}: {value!r}")


class Providers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.node = Node()
        cls.cases = json.loads((VECTORS / "hundred.cases.json").read_text())
        cls.flags = json.loads((VECTORS / "hundred.json").read_text())["flags"]

    @classmethod
    def tearDownClass(cls):
        api.shutdown()
        cls.node.end()

    def client(self, kind):
        api.set_provider(self.node.provider(kind), kind)
        client = api.get_client(kind)
        until(f"{kind} is ready", lambda: client.get_provider_status().value == "READY")
        return client

    def check(self, kind, client, flag, context, wanted):
        # as an application does, which knows the flag and not the answer
        kind_of_flag = kind_of(self.flags[flag]["variants"])
        got, default = ask(client, kind_of_flag, flag, context)
        about = f"{kind}: {flag} for {context}: {got}"
        if "errorCode" in wanted:
            self.assertEqual(got.error_code.value, wanted["errorCode"], about)
            self.assertEqual(got.value, default, about)
        elif "variant" not in wanted:
            self.assertEqual(got.value, default, about)
        else:
            self.assertEqual((got.value, got.variant), (wanted["value"], wanted["variant"]), about)
            self.assertIsNone(got.error_code, about)
            self.assertIs(type(got.value), type(kind_of_flag), about)
            self.assertIn(getattr(got.reason, "value", got.reason), (wanted["reason"], "CACHED"), about)

    def hundred(self, kind, leave=()):
        client = self.client(kind)
        for flag, answers in self.cases["answers"].items():
            if flag not in self.flags or any(flag.startswith(left) for left in leave):
                continue
            for at, context in enumerate(self.cases["contexts"]):
                wanted = answers[at] if isinstance(answers, list) else answers
                self.check(kind, client, flag, context, wanted)

    def test_a_hundred_flags_by_ofrep(self):
        self.hundred("ofrep")

    def test_a_hundred_flags_by_rpc(self):
        self.hundred("rpc")

    def test_a_hundred_flags_in_process(self):
        self.hundred("in-process", leave=("split-", *OTHER_ENGINE))

    def test_splits_in_process_are_those_of_an_environment_that_buckets_as_its_engine(self):
        self.node.bucketing(OTHER_BUCKETING)
        self.addCleanup(self.node.bucketing, 2)
        client, others = self.client("in-process"), 0
        for at, context in enumerate(self.cases["contexts"]):
            said = self.node.all(context)
            for flag in (flag for flag in self.flags if flag.startswith("split-")):
                self.check("in-process", client, flag, context, said[flag])
                usual = self.cases["answers"][flag]
                others += said[flag]["variant"] != (usual[at] if isinstance(usual, list) else usual)["variant"]
        self.assertGreater(others, 0, "the other version buckets otherwise")

    def test_unknown_flags_and_other_types(self):
        for kind in ("ofrep", "rpc", "in-process"):
            client = self.client(kind)
            self.assertEqual(ask(client, "", "nobody-made-this", {})[0].error_code.value, "FLAG_NOT_FOUND", kind)
            self.assertEqual(ask(client, True, "static-text-0", {})[0].error_code.value, "TYPE_MISMATCH", kind)

    def test_ofrep_shows_changes_at_once_and_survives_a_restart(self):
        client = self.client("ofrep")
        shown = lambda: ask(client, True, "static-boolean-0", {})[0].variant  # noqa: E731
        for variant in ("off", "on"):
            self.node.default_variant(variant)
            self.assertEqual(shown(), variant)
        self.node.restart()
        self.node.default_variant("off")
        self.assertEqual(shown(), "off")
        self.node.default_variant("on")

    def test_changes_are_told_and_a_restart_is_survived(self):
        for kind in ("rpc", "in-process"):
            client, told = self.client(kind), threading.Event()
            hear = lambda event: told.set() if "static-boolean-0" in (event.flags_changed or ()) else None  # noqa: E731
            client.add_handler(ProviderEvent.PROVIDER_CONFIGURATION_CHANGED, hear)
            shown = lambda: ask(client, True, "static-boolean-0", {})[0].variant  # noqa: E731
            shown()
            for variant in ("off", "on"):
                told.clear()
                self.node.default_variant(variant)
                self.assertTrue(told.wait(BOUND_SECONDS), kind)
                until(f"{kind}: {variant}", lambda: shown() == variant)
            self.node.restart()
            told.clear()
            # what it missed meanwhile the client does not ask for: it hears of what is written from then on
            variants = itertools.cycle(("off", "on"))
            until(f"{kind}: told again", lambda: self.node.default_variant(next(variants)) or told.wait(0.5))
            self.node.default_variant("on")
            until(f"{kind}: on again", lambda: shown() == "on")


if __name__ == "__main__":
    unittest.main()
