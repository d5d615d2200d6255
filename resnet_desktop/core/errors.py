"""The errors of the app: each has a code that programs read and a sentence that a person understands.

``code`` is stable and appears in JSON (see the README); ``message`` is one sentence and says what happened and to what;
``hint`` says what to do about it, where that is known.
"""

from __future__ import annotations

GONE = "It may have been moved or renamed, or its disk may be disconnected."
"""What may have become of a file that is not there: a hint."""


class ResNetDesktopError(Exception):
    """The root of all errors that the app raises on purpose.

    Args:
        code: a stable name in snake_case.
        message: one sentence for a person.
        hint: what the person can do, or None.
    """

    def __init__(self, code: str, message: str, hint: str | None = None) -> None:
        super().__init__(code, message, hint)
        self.code = code
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return self.message if self.hint is None else f"{self.message} {self.hint}"

    def as_dict(self) -> dict[str, str]:
        """The error as it stands in JSON output: ``code`` and ``message``."""
        return {"code": self.code, "message": self.message}


class InternalError(ResNetDesktopError):
    """Something that the app did not foresee, at the door of a thread. Code: ``internal``."""


class ImageError(ResNetDesktopError):
    """An image cannot be read.

    Codes: ``missing_file``, ``no_permission``, ``is_a_folder``, ``not_a_regular_file``, ``empty_file``,
    ``not_an_image``, ``truncated_image``, ``damaged_image``, ``too_many_pixels``, ``decoder_missing``, ``read_failed``,
    ``unsupported_image``, ``no_such_page``, ``reader_lost`` (the process that read it ended, on a cluster).
    """


class ModelError(ResNetDesktopError):
    """A model cannot be opened or used.

    Codes: ``missing_model``, ``unknown_model``, ``not_onnx``, ``damaged_model``, ``newer_format``, ``bad_metadata``,
    ``wrong_shapes``, ``external_data``, ``no_metadata``, ``unsupported_model``, ``model_exists``, ``bundled_model``,
    ``wrong_labels``, ``wrong_checksum``, ``bad_threshold``.
    """


class AnswerError(ModelError):
    """A model has no answer to one image, while it may have one to others. Code: ``not_finite``."""


class ProviderError(ResNetDesktopError):
    """An execution provider cannot run the model. Codes: ``provider_unavailable``, ``provider_failed``."""


class ClassNameError(ResNetDesktopError):
    """A class was named that the model lacks, or that two share. Codes: ``unknown_class``, ``ambiguous_class``."""


class LayerError(ResNetDesktopError):
    """A layer or a way to explain it was named that does not work.

    Codes: ``unknown_layer``, ``no_closed_form``, ``no_gradient_rule``, ``no_blocks``, ``unknown_method``.
    """


class JobError(ResNetDesktopError):
    """A training job file is wrong. Code: ``bad_job``."""


class DataError(ResNetDesktopError):
    """The training pictures cannot be used. Codes: ``no_images``, ``one_class``, ``bad_data``, ``missing_data``."""


class TrainingError(ResNetDesktopError):
    """Training cannot go on.

    Codes: ``loss_not_finite``, ``parity_failed``, ``run_locked``, ``no_checkpoint``, ``no_torch``, ``install_failed``,
    ``no_estimate``, ``out_of_memory``, ``training_failed``, ``process_lost``, ``no_sources``, ``base_differs``.
    """


class SettingsError(ResNetDesktopError):
    """A setting has no such name or value. Codes: ``unknown_setting``, ``bad_setting``."""


class SessionError(ResNetDesktopError):
    """A saved list of photos cannot be opened. Codes: ``missing_session``, ``bad_session``, ``newer_session``."""


class ResultsError(ResNetDesktopError):
    """A folder of results cannot be read or continued.

    Codes: ``no_pyarrow``, ``missing_results``, ``bad_results``, ``newer_results``, ``results_differ``, ``not_results``,
    ``too_many_results``.
    """


class ClusterError(ResNetDesktopError):
    """A cluster cannot do the work.

    Codes: ``no_ray``, ``no_cluster``, ``no_storage``, ``no_resources``, ``worker_failed``, ``other_version``,
    ``photos_not_visible``, ``not_finished``.
    """


class StorageError(ResNetDesktopError):
    """A file cannot be written.

    Codes: ``disk_full``, ``read_only``, ``write_failed``, ``missing_folder``, ``is_input`` (it is one of the files that
    are read), ``in_use``; of photos that are sorted into folders: ``is_a_link``, ``name_taken``, ``changed_since``,
    ``original_gone``, ``moved_on``.
    """


class DownloadError(ResNetDesktopError):
    """A file cannot be fetched.

    Codes: ``no_connection``, ``download_refused``, ``download_broken``, ``wrong_checksum``.
    """
