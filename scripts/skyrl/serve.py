"""Serves SkyRL's Tinker API on this machine from a plain virtual environment: python serve.py --help.

SkyRL 0.4.0 starts its engine through `uv run` inside its own project, and needs `typing.TypedDict` of Python 3.12. Neither is there in a
virtual environment of Python 3.11 made from requirements.txt, so both are put in its way here. Used by `npm run test:skyrl`.
"""

import argparse
import sys
import typing

import typing_extensions

typing.TypedDict = typing_extensions.TypedDict


def engine() -> None:
    import skyrl.tinker.engine as engine_module

    engine_module.main()


def api() -> None:
    import skyrl.tinker.api as api_module
    import uvicorn
    from skyrl.tinker.config import EngineConfig, add_model, config_to_argv
    from skyrl.utils.log import get_uvicorn_log_config

    def command(_parent: object, config: EngineConfig) -> list[str]:
        return [sys.executable, __file__, "engine", *config_to_argv(config)]

    api_module._build_uv_run_cmd_engine = command
    parser = argparse.ArgumentParser(description=__doc__)
    add_model(parser, EngineConfig)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    given = vars(parser.parse_args())
    fields = {name: value for name, value in given.items() if name in EngineConfig.model_fields}
    api_module.app.state.engine_config = EngineConfig.model_validate(fields)
    uvicorn.run(api_module.app, host=given["host"], port=given["port"], log_config=get_uvicorn_log_config())


if len(sys.argv) > 1 and sys.argv[1] == "engine":
    del sys.argv[1]
    engine()
else:
    api()
