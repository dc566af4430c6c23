"""Features that the workers of a cluster extract from audio which they are sent."""

from collections import deque
from collections.abc import Iterator, Sequence

from launch.cluster.crew import Crew
from launch.output.provenance import Machine
from vladser.contracts import Features
from vladser.features.audio import BadAudio
from vladser.features.elsewhere import Recording
from vladser.types import Utterance

_FEWEST = 64  # utterances: a worker starts processes for each job, in a second or two
_BYTES = 2**30  # of audio in all jobs under way, and at least 2**24 in each


def extract(
    crew: Crew, utterances: Sequence[Utterance], features: Features, max_seconds: float
) -> Iterator[tuple[str, bytes | BadAudio]]:
    """Yields ids of the utterances, as they are done, and what the cache is to hold."""
    files = _Files(utterances, max(2**24, _BYTES // max(1, crew.size())))
    for _, (id, content) in crew.run("extract", files, features, max_seconds):
        files.answered.add(id)
        yield id, content


class _Files:
    """Files of audio as jobs, see `crew.Jobs`."""

    def __init__(self, utterances: Sequence[Utterance], most: int):
        by_file: dict[str, list[Utterance]] = {}
        for utterance in utterances:
            by_file.setdefault(f"{utterance.file}", []).append(utterance)
        self._waiting, self._most = deque(by_file.values()), most  # bytes of a job
        self.answered = set[str]()

    def __len__(self) -> int:
        return sum(map(len, self._waiting))

    def take(self, most: int, machine: Machine) -> tuple[list[Recording]]:
        job, count, size = list[Recording](), 0, 0
        while self._waiting and count < max(most, _FEWEST) and size < self._most:
            utterances = self._waiting.popleft()
            job.append(Recording(utterances, utterances[0].file.read_bytes()))
            count, size = count + len(utterances), size + len(job[-1].content)
        return (job,)

    def back(self, job: tuple[list[Recording]]) -> None:
        for utterances, _ in job[0]:
            if left := [u for u in utterances if u.id not in self.answered]:
                self._waiting.appendleft(left)
