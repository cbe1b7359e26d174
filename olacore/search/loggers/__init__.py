"""Where the events of a search go beside its log: one file for each service."""

from olacore.search.loggers.base import LOGGERS, Logger, Run
from olacore.search.loggers.common_api import Trackio, Wandb
from olacore.search.loggers.log_to import LogTo
from olacore.search.loggers.mlflow import Mlflow
from olacore.search.loggers.replay import replay
from olacore.search.loggers.tensorboard import TensorBoard

__all__ = ["LOGGERS", "LogTo", "Logger", "Mlflow", "Run", "TensorBoard", "Trackio", "Wandb", "replay"]
