"""Imports a function app from its folder, as the Python worker does at start."""

import importlib
import sys
import traceback
from pathlib import Path
from types import ModuleType

from azure.functions.decorators.function_app import FunctionRegister

from local.functions.errors import AppLoadError
from local.functions.settings import Settings


def import_app(folder: Path, settings: Settings) -> FunctionRegister:
    """The one `FunctionApp` at the top level of `function_app.py` in `folder`, which becomes the first on `sys.path`.

    The script may be renamed by the setting `PYTHON_SCRIPT_FILE_NAME`. A module of the same name that was imported
    from another folder is forgotten first. Raises `AppLoadError`, with the app's own traceback if it has one.
    """
    script = folder / settings.get("PYTHON_SCRIPT_FILE_NAME", "function_app.py")
    if not script.is_file():
        raise AppLoadError(f"No functions: {script} does not exist.")
    path = str(folder.resolve())
    if path in sys.path:
        sys.path.remove(path)
    sys.path.insert(0, path)
    earlier = sys.modules.get(script.stem)
    if earlier is not None and Path(earlier.__file__ or "").resolve() != script.resolve():
        del sys.modules[script.stem]
    return _find_app(_import(script), script.name)


def _import(script: Path) -> ModuleType:
    try:
        return importlib.import_module(script.stem)
    except Exception as error:  # the app's module can raise anything, and whatever it is has to be shown
        kind = "Cannot import" if isinstance(error, ImportError) else "An error occurred while importing"
        raise AppLoadError(f"{kind} {script.name}: {error}\n{_app_traceback(error)}") from error


def _app_traceback(error: Exception) -> str:
    """The traceback without the frames of this module and of the import system."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "importlib" not in frame.filename]
    lines = traceback.format_list([frame for frame in frames if frame.filename != __file__])
    return "".join(["Traceback (most recent call last):\n", *lines, *traceback.format_exception_only(error)]).rstrip()


def _find_app(module: ModuleType, script_name: str) -> FunctionRegister:
    apps = {id(value): value for value in vars(module).values() if isinstance(value, FunctionRegister)}
    if not apps:
        raise AppLoadError(f"Could not find top level function app instances in {script_name}.")
    if len(apps) > 1:
        raise AppLoadError(f"More than one top level function app instance is defined in {script_name}.")
    return next(iter(apps.values()))
