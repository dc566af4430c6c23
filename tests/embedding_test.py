"""What embeddings are before a network is loaded: names, frames, what is refused."""

import json
import re
import sys
from functools import reduce
from types import ModuleType, SimpleNamespace

import pytest

from vladser import registry
from vladser.errors import InputError
from vladser.features import cache, worker

CONVOLUTIONS = {
    "conv_kernel": [10, 3, 3, 3, 3, 2, 2],
    "conv_stride": [5, 2, 2, 2, 2, 2, 2],
}
CONFIG = {"model_type": "hubert", "hidden_size": 768, "num_hidden_layers": 12}


@pytest.fixture
def network(tmp_path, monkeypatch):
    """Writes what a network's folder holds; returns it. Nothing loads it."""
    for package in "torch", "transformers", "huggingface_hub":
        monkeypatch.setitem(sys.modules, package, None)

    def write(folder="network", rate=16000, weights=b"weights", **config):
        folder = tmp_path / folder
        folder.mkdir(exist_ok=True)
        settings = json.dumps(CONFIG | CONVOLUTIONS | config)
        (folder / "config.json").write_text(settings)
        processor = json.dumps({"sampling_rate": rate})
        (folder / "preprocessor_config.json").write_text(processor)
        (folder / "model.safetensors").write_bytes(weights)
        return folder

    return write


def build(folder, **options):
    given = "".join(f",{name}={value}" for name, value in options.items())
    part = registry.features.parse(f"embedding(model={folder}{given})")
    return registry.features.build(part)


def test_frames_are_those_of_the_convolutions(network):
    features = build(network())
    assert (features.dim, features.shortest, features.energy) == (768, 960, None)
    for samples in range(960, 3000, 7):
        length = reduce(  # how often each window fits
            lambda n, step: len(range(0, n - step[0] + 1, step[1])),
            zip(*CONVOLUTIONS.values(), strict=True),
            samples,
        )
        assert features.frames(samples) == length
    assert features.frames(16000) == 49 and features.frames(60 * 16000) == 2999


@pytest.mark.parametrize(
    ("config", "counts"),
    [
        ({"model_type": "wav2vec2-bert"}, {960: 2, 16000: 49}),
        (
            {"model_type": "whisper", "d_model": 384, "encoder_layers": 4},
            {960: 3, 961: 4, 16000: 50, 480000: 1500, 480001: 1501},
        ),
        ({"conv_kernel": [2000], "conv_stride": [1000]}, {2000: 1, 2999: 1, 3000: 2}),
    ],
)
def test_other_networks_have_other_frames(network, config, counts):
    features = build(network(**config))
    assert {n: features.frames(n) for n in counts} == counts
    assert features.shortest == min(counts)
    assert features.dim == config.get("d_model", 768)


def test_the_id_is_that_of_all_that_decides_the_numbers(network):
    """And of nothing else: not of where the folder is."""
    folder = network()
    ids = [build(folder, layer=layer).id for layer in ("mean", *range(13))]
    ids += [build(folder, half="true").id]
    ids += [build(network("b", weights=b"others")).id]
    ids += [build(network("c", hidden_act="relu")).id]
    assert len({*ids}) == len(ids)
    assert all(re.fullmatch(r"[\w.-]+", id) for id in ids)
    assert build(network("d"), layer=3).id == build(folder, layer=3).id
    assert str(folder) not in ids[0]


def test_two_packages_have_a_version_each_in_the_cache(network, tmp_path, monkeypatch):
    versions = {"torch": "2.13.0+cpu", "transformers": "5.24.0"}
    monkeypatch.setattr(cache.metadata, "version", versions.__getitem__)
    features = build(network())
    whole = f"{features.id}/torch-2.13.0_transformers-5.24.0"
    assert cache.identify(features, tmp_path) == whole

    def missing(name):
        raise cache.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(cache.metadata, "version", missing)
    for version in "5.9.0", "5.24.0":
        name = f"{features.id}/torch-2.13.0_transformers-{version}"
        cache.folder(tmp_path, name).mkdir(parents=True)
    assert cache.identify(features, tmp_path) == whole  # the newest


@pytest.mark.parametrize(
    ("given", "options", "said"),
    [
        ({"rate": 8000}, {}, "takes speech at 8000 Hz: expected 16000 Hz"),
        (
            {"model_type": "bert"},
            {},
            "is of type 'bert': expected one of data2vec-audio",
        ),
        ({"conv_kernel": None}, {}, "its config.json is damaged"),
        ({"conv_stride": [0] * 7}, {}, "its config.json is damaged"),
        ({"conv_stride": [2.5] * 7}, {}, "its config.json is damaged"),
        ({"conv_stride": ["2"] * 7}, {}, "its config.json is damaged"),
        ({}, {"layer": 13}, "layer=13: expected 0 to 12, or mean"),
        ({}, {"layer": -1}, "layer: expected a whole number of at least 0 or mean"),
        ({}, {"layer": "last"}, "at least 0 or mean, got 'last'"),
        ({}, {"half": 1}, "half: expected True or False, got 1"),
        ({}, {"revision": "main"}, "is a folder, which has none"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_loaded(network, given, options, said):
    with pytest.raises(InputError, match=re.escape(said)):
        build(network(**given), **options)


@pytest.mark.parametrize("name", ["config.json", "preprocessor_config.json"])
def test_a_folder_that_lacks_a_file_is_one_line(network, name):
    folder = network()
    (folder / name).write_text("[]")
    with pytest.raises(InputError, match=rf"{name}: damaged: expected a JSON object"):
        build(folder)
    (folder / name).unlink()
    with pytest.raises(InputError, match=rf"{name}: No such file"):
        build(folder)


def test_what_prepares_signals_may_be_in_the_file_of_new_versions(network):
    folder = network()
    old, new = folder / "preprocessor_config.json", folder / "processor_config.json"
    known = build(folder).id
    new.write_text(json.dumps({"feature_extractor": {"sampling_rate": 8000}}))
    assert build(folder).id != known  # transformers may read either
    old.unlink()
    with pytest.raises(InputError, match="takes speech at 8000 Hz"):
        build(folder)
    new.write_text(json.dumps({"feature_extractor": {"sampling_rate": 16000}}))
    assert build(folder).dim == 768


def test_the_home_folder_of_nobody_is_one_line():
    with pytest.raises(InputError, match=r"^features .*~nobody_here/x: Could not"):
        build("~nobody_here/x")


def test_a_folder_without_weights_is_one_line(network):
    folder = network()
    (folder / "model.safetensors").rename(folder / "model.onnx")
    with pytest.raises(InputError, match="has no weights"):
        build(folder)


def test_to_load_a_network_needs_the_extra(network):
    said = r"^torch cannot be loaded: .*: pip install 'vladser\[embeddings\]'$"
    with pytest.raises(InputError, match=said):
        worker.set_up(build(network()))


def test_a_name_of_the_hub_needs_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(InputError, match=r"pip install 'vladser\[embeddings\]'"):
        build("facebook/wav2vec2-base")
    with pytest.raises(InputError, match=r"/none/such: no such folder, and no name on"):
        build("/none/such")


@pytest.mark.parametrize(
    "lacking", ["", "config.json", "preprocessor_config.json", "model.safetensors"]
)
@pytest.mark.parametrize("parts", [False, True])
def test_what_the_cache_of_the_hub_lacks_is_fetched(
    network, monkeypatch, lacking, parts
):
    """Other programs keep parts of a network there, and so do interrupted fetches."""
    whole, folder = network("whole"), network("cached")
    for one in whole, folder:
        if parts:
            (one / "model.safetensors").rename(one / "model-1-of-1.safetensors")
            index = json.dumps({"weight_map": {"weight": "model-1-of-1.safetensors"}})
            (one / "model.safetensors.index.json").write_text(index)
    names = [path.name for path in whole.iterdir()]
    if lacking:
        (folder / lacking.replace("l.s", "l-1-of-1.s" if parts else "l.s")).unlink()
    asked = []

    def snapshot_download(repo_id, revision, local_files_only=False, **options):
        asked.append(local_files_only)
        return str(folder if local_files_only else whole)

    info = SimpleNamespace(siblings=[SimpleNamespace(rfilename=name) for name in names])
    hub = ModuleType("huggingface_hub")
    hub.snapshot_download = snapshot_download
    hub.HfApi = lambda: SimpleNamespace(model_info=lambda **how: info)
    monkeypatch.setitem(sys.modules, "huggingface_hub", hub)
    assert build("someone/network").dim == 768
    assert asked == ([True, False] if lacking else [True])


def test_what_is_not_here_and_cannot_be_fetched_is_one_line(monkeypatch, tmp_path):
    constants = pytest.importorskip("huggingface_hub.constants")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", f"{tmp_path}")
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(
        InputError, match=r"cache of the hub, and cannot be fetched: .+"
    ):
        build("facebook/wav2vec2-base", layer=9)
