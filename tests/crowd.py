"""How many workers one driver keeps up with: workers that sleep, on a real Ray.

    python tests/crowd.py [WORKERS] [SECONDS OF A JOB] [JOBS OF A WORKER]

Each tells what a host with 8 GPUs does, in messages of the same sizes: of 64 trainings
or more of the paper's model a step a second, an epoch every five, checkpoints, results.
"""

import asyncio
import random
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import ray
import toys

from launch.cluster.crew import Crew, Member
from launch.cluster.nodes import Node
from launch.command_line import cli
from launch.command_line.flags import Settings
from launch.experiment.checkpoints import Checkpoints, Figures, Finished
from launch.experiment.desk import Desk
from launch.experiment.training import Trainings
from launch.experiment.working import News
from launch.output.provenance import Machine
from vladser.condition import make
from vladser.engine import events
from vladser.engine.results import Results

EPOCHS, TESTED, CLASSES = 50, 553, 4  # utterances of a fold of IEMOCAP
LEAVES = 5 * 56_000  # of a training's state, with the averages and the best epoch's


@ray.remote(num_cpus=0, max_concurrency=1000)
class Sleepers:
    """A hundred workers in one process."""

    async def about(self):
        return Machine("node", ["gpu: H100"] * 8)

    async def train(self, seconds, batch, resume, minutes):
        figures, shape = Figures(), (len(batch.seeds), batch.trials // len(batch.seeds))
        curves, phase = np.zeros(shape), random.randrange(int(60 * minutes))
        yield News(batch, events.Compiled(1.0), figures)
        begin = time.monotonic()
        await asyncio.sleep(random.random())
        for second in range(1, seconds + 1):
            await asyncio.sleep(max(0, begin + second - time.monotonic()))
            figures.frames += 1
            yield News(batch, events.Step(1, 1, 1, 1.0), figures)
            if second % 5 == 0:
                yield News(batch, events.Epoch(second // 5, curves, curves), figures)
            if (second + phase) % int(60 * minutes) == 0:
                now = events.beginning(*shape)
                leaves = [np.zeros((*shape, LEAVES), np.float32)]
                yield News(batch, now._replace(leaves=leaves), figures)
        axes = tuple(map(len, batch))
        losses, one = np.zeros((*axes, EPOCHS)), np.zeros(axes, int)
        tested = [np.zeros((*axes[:2], TESTED, CLASSES), "f") for _ in batch.folds]
        failed = np.zeros((*axes, 2), int)
        results = Results(one, failed, losses, losses, one, one, tested, [])
        yield News(batch, results, figures)


class Crowd(Crew):
    """Members that share processes."""

    def __init__(self, settings, workers):
        super().__init__(settings)
        processes = [Sleepers.remote() for _ in range(-(-workers // 100))]
        for number in range(workers):
            actor = processes[number // 100]
            node = Node(f"{number}", "node", {})
            self._members.append(Member(node, actor, actor.about.remote()))

    def _recruit(self):
        self._nodes.here()


def main(workers=800, seconds=60, jobs=3):
    trials = 8 * 8 * workers * jobs
    settings = cli.parse(Settings, ["--corpus=demo", "--ray=local"])
    conditions = [make(noise=n / 1000, epochs=EPOCHS) for n in range(1, 101)]
    design = toys.design(toys.corpus(), conditions, range(trials // 400))
    finished, cpu, begin = [], time.process_time(), time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        kept, log = Checkpoints(Path(folder) / "kept"), Path(folder) / "metrics.jsonl"

        def finish(batch, results, figures, machine):
            finished.append((time.monotonic() - begin, batch.trials))
            kept.keep(Finished(batch, results, figures, machine))

        desk = Desk(design, kept, [], finish, log)
        crowd = Crowd(settings, workers)
        news = 0
        begin = time.monotonic()
        for machine, told in crowd.run(
            "train", Trainings(desk, 1.0, crowd.size), seconds
        ):
            desk.take(told, machine)
            news += 1
        took = time.monotonic() - begin
        written = sum(file.stat().st_size for file in kept.folder.iterdir())
    print(
        f"{len(finished):,} jobs of {trials:,} trainings in {took:.0f} s: "
        f"{60 * len(finished) / took:,.0f} a minute, where workers alone would need "
        f"{len(finished) * seconds / workers:.0f} s; {news / took:,.0f} messages/s; "
        f"the driver's CPU {(time.process_time() - cpu) / took:.0%} of a core; "
        f"{written / 2**20:,.0f} MiB of results"
    )


if __name__ == "__main__":
    ray.init(address="local", include_dashboard=False, log_to_driver=False)
    main(*map(int, sys.argv[1:]))
