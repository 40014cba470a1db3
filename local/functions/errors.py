"""What can be wrong with an app before it serves anything."""


class AppLoadError(Exception):
    """The app cannot be served; the message is for the app's developer and names the function, if one is at fault."""


class FunctionLoadError(AppLoadError):
    """One function's definition is wrong."""

    def __init__(self, function_name: str, problem: str) -> None:
        super().__init__(f"The '{function_name}' function is in error: {problem}")
        self.function_name = function_name
