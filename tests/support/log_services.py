"""What the services that loggers write to have kept, each read from its own files: steps, numbers, times, settings."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

WANDB_BLOCK = 1 << 15


class Kept(NamedTuple):
    """A run as a service has it: numbers by step, seconds since 1970 by step, settings, how many pictures."""

    scalars: dict[int, dict[str, float]]
    walls: dict[int, float]
    settings: dict[str, Any]
    pictures: int


def read_tensorboard(folder: Path) -> Kept:
    from tensorboardX.proto.event_pb2 import Event
    from tensorboardX.proto.plugin_hparams_pb2 import HParamsPluginData

    scalars, walls, settings, pictures = {}, {}, {}, 0
    (file,) = folder.glob("events.out.tfevents.*")
    content = file.read_bytes()
    while content:
        (length,) = struct.unpack("<Q", content[:8])
        event = Event.FromString(content[12 : 12 + length])
        content = content[16 + length :]
        for value in event.summary.value:
            if value.HasField("simple_value"):
                scalars.setdefault(event.step, {})[value.tag] = value.simple_value
                walls.setdefault(event.step, event.wall_time)
            elif value.HasField("image"):
                pictures += 1
            elif value.tag == "_hparams_/session_start_info":
                found = HParamsPluginData.FromString(value.metadata.plugin_data.content)
                for name, setting in found.session_start_info.hparams.items():
                    settings[name] = getattr(setting, setting.WhichOneof("kind"))
    return Kept(scalars, walls, settings, pictures)


def wandb_records(file: Path) -> Iterator[bytes]:
    """The records of a file of blocks, in which a record may have several parts."""
    content, at, held = file.read_bytes(), 7, b""
    while at + 7 <= len(content):
        if WANDB_BLOCK - at % WANDB_BLOCK < 7:
            at += WANDB_BLOCK - at % WANDB_BLOCK
            continue
        _, length, part = struct.unpack("<IHB", content[at : at + 7])
        held += content[at + 7 : at + 7 + length]
        at += 7 + length
        if part in (1, 4):
            yield held
            held = b""


def read_wandb(folder: Path) -> Kept:
    import wandb
    from wandb.proto.wandb_internal_pb2 import Record

    wandb.teardown()  # which waits for the last bytes
    scalars, walls, settings, pictures = {}, {}, {}, 0
    (file,) = folder.glob("wandb/offline-run-*/run-*.wandb")
    for text in wandb_records(file):
        record = Record.FromString(text)
        items = {(*item.nested_key,) or (item.key,): json.loads(item.value_json) for item in record.history.item}
        if items:
            step = items["_step",]
            walls.setdefault(step, items["_timestamp",])
            numbers = {key: value for (key, *inner), value in items.items() if not inner and not key.startswith("_")}
            scalars.setdefault(step, {}).update(numbers)
            pictures += sum(key[-1] == "_type" and value == "image-file" for key, value in items.items())
        for item in (*record.run.config.update, *record.config.update):
            settings[item.key or item.nested_key[0]] = json.loads(item.value_json)
    return Kept(scalars, walls, settings, pictures)


def read_trackio(project: str) -> Kept:
    from trackio.sqlite_storage import SQLiteStorage

    scalars, pictures = {}, 0
    (name,) = SQLiteStorage.get_runs(project)
    for row in SQLiteStorage.get_logs(project, name):
        numbers = {key: value for key, value in row.items() if isinstance(value, int | float) and key != "step"}
        scalars.setdefault(row["step"], {}).update(numbers)
        pictures += sum(isinstance(value, dict) and value.get("_type") == "trackio.image" for value in row.values())
    return Kept(scalars, {}, SQLiteStorage.get_run_config(project, name) or {}, pictures)


def read_mlflow(experiment: str) -> Kept:
    from mlflow.tracking import MlflowClient

    client = MlflowClient(Path("mlruns").absolute().as_uri())
    (run,) = client.search_runs([client.get_experiment_by_name(experiment).experiment_id])
    scalars, walls = {}, {}
    for name in run.data.metrics:
        for metric in client.get_metric_history(run.info.run_id, name):
            scalars.setdefault(metric.step, {})[name] = metric.value
            walls.setdefault(metric.step, metric.timestamp / 1000)
    pictures = sum(file.path.endswith(".png") for file in client.list_artifacts(run.info.run_id))
    return Kept(scalars, walls, run.data.params, pictures)


READERS: dict[str, Callable[..., Kept]] = {
    "tensorboard": read_tensorboard,
    "wandb": read_wandb,
    "trackio": read_trackio,
    "mlflow": read_mlflow,
}
