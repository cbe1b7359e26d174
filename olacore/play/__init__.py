"""Games and environments for policies: Snake of our own, and those of Gymnasium."""

from olacore.play.gym_fitness import GymFitness
from olacore.play.snake import GREEDY, LAYERS, Snake, SnakeFitness, play_episodes

__all__ = ["GREEDY", "LAYERS", "GymFitness", "Snake", "SnakeFitness", "play_episodes"]
