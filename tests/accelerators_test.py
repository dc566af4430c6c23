"""What the compilers of TPUs and GPUs make of the programs, without any device.

They come with jax[tpu], and with jax-cuda12-plugin and jax-cuda12-pjrt, of jax's own
version. Nothing here runs on a device.
"""

import math
import re
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.experimental import topologies
from jax.sharding import Mesh, NamedSharding, SingleDeviceSharding

from vladser import model
from vladser.condition import make, specification
from vladser.engine import placement, sweep, timeblocks, training_step
from vladser.engine.memory import estimate
from vladser.engine.timeblocks import Blocks
from vladser.models import inference
from vladser.registry import ROOMS, objectives
from vladser.types import Buffer, Part, Spec, State, Trial

pytestmark = pytest.mark.long

DIM, CLASSES = 147, 4


class Corpus(NamedTuple):
    """How large it is: frames, those of the longest utterance, rows of a minibatch."""

    frames: int
    longest: int
    batch: int


# What is done for all frames of the longest utterance, and not for those of the
# minibatch, is larger than anything else.
LONG = Corpus(300_000, 8_000, 8)
DEMO, IEMOCAP = Corpus(57_554, 400, 32), Corpus(2_516_397, 3_412, 32)
UTTERANCES = 500
SLOW = "scatter|sort|outfeed|infeed|send|recv"  # operations
MOST = 16 * 2**20  # bytes that an operation outside the loops may write

H100 = """
gpu_device_info {
  threads_per_block_limit: 1024 threads_per_warp: 32 shared_memory_per_block: 49152
  shared_memory_per_core: 233472 threads_per_core_limit: 2048 core_count: 132
  fpus_per_core: 128 block_dim_limit_x: 2147483647 block_dim_limit_y: 65535
  block_dim_limit_z: 65535 memory_bandwidth: 3352320000000 l2_cache_size: 52428800
  clock_rate_ghz: 1.98 device_memory_size: 84929347584
  shared_memory_per_block_optin: 232448 cuda_compute_capability { major: 9 }
  registers_per_core_limit: 65536 registers_per_block_limit: 65536
}
platform_name: "CUDA" dnn_version_info { major: 9 minor: 8 }
runtime_version { major: 12 minor: 9 } device_description_str: "NVIDIA H100 80GB HBM3"
"""
TARGETS = {
    "v5e": partial(topologies.get_topology_desc, "v5e:2x2", "tpu"),
    "v6e": partial(topologies.get_topology_desc, "v6e:2x2", "tpu"),
    "h100": partial(
        topologies.get_topology_desc,
        platform="cuda",
        target_config=H100,
        topology="1x1x1",
    ),
}


@pytest.fixture(scope="module", params=TARGETS)
def mesh(request, monkeypatch_module):
    """One device of the target, which is not there."""
    needed = "jax_plugins.xla_cuda12" if request.param == "h100" else "libtpu"
    pytest.importorskip(needed, reason=f"{needed} compiles for {request.param}")
    device, *_ = TARGETS[request.param]().devices
    return Mesh(np.array([[device]]), ("seed", "trial"))


@pytest.fixture(scope="module")
def monkeypatch_module():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TPU_SKIP_MDS_QUERY", "1")  # no cloud to ask
        patch.setenv("ALLOW_MULTIPLE_LIBTPU_LOAD", "1")  # no device to share either
        yield patch


class _Given(NamedTuple):
    """What the programs of a condition take: shapes, on a device."""

    spec: Spec
    blocks: Blocks
    states: State
    trials: Trial
    buffer: Buffer
    rows: jax.ShapeDtypeStruct
    number: jax.ShapeDtypeStruct


def _given(mesh, condition, seeds=1, trials=2, corpus=LONG):
    """Of noise."""
    spec = specification(condition, DIM, CLASSES)
    each = NamedSharding(mesh, placement.TRIALS)
    once = NamedSharding(mesh, placement.SHARED)

    def of_trials(x):
        shape = (seeds, trials, *np.shape(x))
        return jax.ShapeDtypeStruct(shape, jnp.result_type(x), sharding=each)

    def start(key):
        return training_step.init(model.init(key, spec), spec)

    labels = np.arange(20) % CLASSES
    objective = objectives.build(condition.objective)
    trial = Trial(
        seed=np.int32(0),
        mean=np.zeros(DIM, "f"),
        scale=np.zeros(DIM, "f"),
        noise=np.float32(0),
        dropout=np.float32(0),
        objective=objective.prepare(labels, CLASSES),
        optimizer={name: np.float32(x) for name, x in condition.optimizer.options},
    )
    codes = [((UTTERANCES,), "i4")] * 3
    arrays = [((corpus.frames, DIM), "f4"), *codes, ((UTTERANCES, 2), "i4")]
    where = placement.shared(mesh)
    buffer = [
        jax.ShapeDtypeStruct(*array, sharding=place)
        for array, place in zip(arrays, where, strict=True)
    ]
    return _Given(
        spec,
        timeblocks.cut(corpus.longest, placement.block(mesh)),
        jax.tree.map(of_trials, jax.eval_shape(start, jax.random.key(0))),
        jax.tree.map(of_trials, trial),
        Buffer(*buffer),
        of_trials(np.zeros(corpus.batch, np.int32)),
        jax.ShapeDtypeStruct((), "i4", sharding=once),
    )


def _compiled(mesh, condition, *sizes):
    """The training step."""
    spec, blocks, *given, number = _given(mesh, condition, *sizes)
    program = sweep.train_step(spec, mesh, blocks)
    return program.lower(*given, number, number).compile()


def _evaluation(mesh, condition, *sizes):
    spec, blocks, states, *given, _ = _given(mesh, condition, *sizes)
    program = sweep.evaluate(training_step.predict, spec, mesh, blocks)
    return program.lower(states.params, *given).compile()


def _inference(mesh, condition, rows=64, frames=256):
    """The programs of `launch.predict` for a batch of files."""
    spec = specification(condition, DIM, CLASSES)
    here = SingleDeviceSharding(mesh.devices.flat[0])

    def on_device(tree):
        shape = partial(jax.ShapeDtypeStruct, sharding=here)
        return jax.tree.map(lambda x: shape(x.shape, x.dtype), tree)

    params = jax.eval_shape(partial(model.init, spec=spec), jax.random.key(0))
    scaler = [jax.ShapeDtypeStruct((DIM,), "f4")] * 2
    carry = jax.eval_shape(partial(model.start, spec=spec, batch=rows), params)
    mask = jax.ShapeDtypeStruct((frames, rows), bool)
    part = jax.ShapeDtypeStruct((*mask.shape, DIM), "f4")
    given = on_device((params, scaler, carry, part, mask))
    yield inference._advance.lower(*given, spec=spec).compile()
    carry, seen = jax.eval_shape(partial(inference._advance, spec=spec), *given)
    if model.streams(spec):
        seen = mask = ()
    given = on_device((params, carry, seen, mask))
    yield inference._finish.lower(*given, spec=spec).compile()


_NO_WORK = (
    r"parameter|get-tuple-element|tuple|constant|bitcast|while|conditional|.*-start"
)
_WIDTHS = {"f32": 4, "bf16": 2, "f16": 2, "s32": 4, "u32": 4, "pred": 1, "f64": 8}


def _written(text):
    """The bytes that each operation of the program writes outside of its loops, but to
    a TPU's own fast memory, S(1), into which its compiler loads what fits."""
    entry = text[text.index("\nENTRY ") :]
    for line in entry.splitlines():
        match = re.match(r"\s+(?:ROOT )?(\S+) = (\(.*?\)|\S+) ([\w-]+)\(", line)
        if match and not re.fullmatch(_NO_WORK, match[3]):
            if "AllocateBuffer" in line:
                continue
            sizes = (
                _WIDTHS.get(kind, 4)
                * math.prod(map(int, filter(None, dims.split(","))))
                for kind, dims, layout in re.findall(
                    r"(\w+)\[([\d,]*)\](?:{(.*?)})?", match[2]
                )
                if "S(1)" not in layout
            )
            yield sum(sizes), f"{match[3]} {match[1]}"


@pytest.mark.parametrize("kernel", ["auto", "scan"])
def test_a_step_writes_nothing_of_the_longest_utterance_outside_its_loops(mesh, kernel):
    text = _compiled(mesh, make(aggregator="netvlad", kernel=kernel)).as_text()
    fused = kernel == "auto" and placement.platform(mesh) == "gpu"
    assert ("lstm_forward" in text) == ("lstm_backward" in text) == fused
    assert [one for one in _written(text) if one[0] > MOST] == []
    assert not re.search(r"\b[fs]64\[", text)
    assert not re.search(rf" ({SLOW})\(", text)


GIB = 2**30
# IEMOCAP, 5 seeds x 10 folds.
MAY_TAKE = {"NVIDIA H100 80GB HBM3": 11 * GIB, "TPU v5 lite": 14.3 * GIB}


@pytest.mark.parametrize(
    ("seeds", "corpus"), [(2, DEMO), (5, IEMOCAP)], ids=["demo", "iemocap"]
)
def test_the_estimate_of_memory_is_what_the_compiler_needs(mesh, seeds, corpus):
    """Within 0.9 and 1.2 of it: what fits is then neither refused nor cut in two."""
    condition = make(aggregator="netvlad")
    rectangle = seeds, 10
    compiled = _compiled(mesh, condition, *rectangle, corpus)
    peak = compiled.memory_analysis().peak_memory_in_bytes
    states = jax.tree.leaves(_given(mesh, condition, *rectangle).states)
    spec = specification(condition, DIM, CLASSES)
    given = (corpus.frames, DIM), corpus.longest, corpus.batch, rectangle
    assert 0.9 * peak <= estimate(mesh, spec, *given) <= 1.2 * peak
    kind = mesh.devices.flat[0].device_kind
    if corpus == IEMOCAP and kind in MAY_TAKE:
        assert peak <= MAY_TAKE[kind]
    most = max(MOST, sum(4 * x.size for x in states))  # which are new after a step
    assert [one for one in _written(compiled.as_text()) if one[0] > most] == []


PARTS = [
    f"{kind}={name}"
    for kind in ("aggregator", "encoder", "head", "objective", "optimizer")
    for name in ROOMS[kind].names()
]
SHORT = Corpus(20_000, 1_000, 8)


@pytest.mark.parametrize("mesh", ["v5e", "h100"], indirect=True)
@pytest.mark.parametrize("part", PARTS)
def test_every_part_compiles_for_training_evaluation_and_inference(
    mesh, part, monkeypatch
):
    kind, _, name = part.partition("=")
    parts = {kind: name}
    if kind == "objective" and (head := objectives.build(Part(name)).head):
        parts["head"] = head
    condition = make(**parts)
    monkeypatch.setattr(jax, "default_backend", lambda: placement.platform(mesh))
    programs = [
        _compiled(mesh, condition, 1, 2, SHORT),
        _evaluation(mesh, condition, 1, 2, SHORT),
        *_inference(mesh, condition),
    ]
    for program in programs:
        text = program.as_text()
        assert not re.search(r"\b[fs]64\[", text)
        assert not re.search(rf" ({SLOW})\(", text)
