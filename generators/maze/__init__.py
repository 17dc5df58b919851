"""Grid mazes solved by A*."""

from generators.maze.domain import Maze

__all__ = ["Maze"]
