"""Every setting of Ultralytics, with its default: which is ours, which is passed, which is idle.

A test compares the list with the installed release. So an upgrade that adds, removes or changes one
is seen before it trains; where one trains all the same, `cautions` says so in record.json.
"""

from __future__ import annotations

from collections.abc import Mapping

# Settings of a run: passed as the run has them, whatever their defaults.
OURS: dict[str, object] = {
    "amp": True,
    "batch": 16,
    "box": 7.5,
    "close_mosaic": 10,
    "cls": 0.5,
    "cls_pw": 0.0,
    "cls_remap": True,
    "cos_lr": False,
    "cutmix": 0.0,
    "degrees": 0.0,
    "dfl": 1.5,
    "epochs": 100,
    "fliplr": 0.5,
    "flipud": 0.0,
    "freeze": None,
    "hsv_h": 0.015,
    "hsv_s": 0.7,
    "hsv_v": 0.4,
    "imgsz": 640,
    "lr0": 0.01,
    "lrf": 0.01,
    "mixup": 0.0,
    "model": None,
    "momentum": 0.937,
    "mosaic": 1.0,
    "multi_scale": 0.0,
    "nbs": 64,
    "optimizer": "auto",
    "patience": 100,
    "perspective": 0.0,
    "pretrained": True,
    "scale": 0.5,
    "seed": 0,
    "shear": 0.0,
    "translate": 0.1,
    "warmup_bias_lr": 0.1,
    "warmup_epochs": 3.0,
    "warmup_momentum": 0.8,
    "weight_decay": 0.0005,
    "workers": 8,
}
# Where a training lies, and on which device: passed by the job.
OF_THE_JOB: dict[str, object] = {
    "data": None,
    "device": None,
    "name": None,
    "plots": True,
    "project": None,
}
# What acts on a training and is no setting of a run: passed with these values, the same for all.
PASSED: dict[str, object] = {
    "agnostic_nms": False,
    "augment": False,
    "bgr": 0.0,
    "cache": False,
    "channels_last": None,
    "classes": None,
    "compile": False,
    "conf": None,
    "copy_paste": 0.0,
    "copy_paste_mode": "flip",
    "deterministic": True,
    "distill_model": None,
    "fraction": 1.0,
    "iou": 0.7,
    "max_det": 300,
    "mode": "train",
    "nms": None,
    "quantize": None,
    "rect": False,
    "resume": False,
    "save": True,
    "single_cls": False,
    "split": "val",
    "task": "detect",
    "time": None,
    "val": True,
}
# What no training of a detector reads: other tasks, export, prediction, pictures and files.
IDLE: dict[str, object] = {
    "angle": 1.0,
    "auto_augment": "randaugment",
    "cfg": None,
    "dgrad": 0.5,
    "dis": 6.0,
    "dlam": 1.0,
    "dlog": 1.0,
    "dnn": False,
    "dropout": 0.0,
    "dynamic": False,
    "embed": None,
    "erasing": 0.4,
    "exist_ok": False,
    "format": "torchscript",
    "kobj": 1.0,
    "line_width": None,
    "mask_ratio": 4,
    "opset": None,
    "optimize": False,
    "overlap_mask": True,
    "pose": 12.0,
    "profile": False,
    "retina_masks": False,
    "rle": 1.0,
    "save_conf": False,
    "save_crop": False,
    "save_frames": False,
    "save_json": False,
    "save_period": -1,
    "save_txt": False,
    "show": False,
    "show_boxes": True,
    "show_conf": True,
    "show_labels": True,
    "simplify": True,
    "source": None,
    "stream_buffer": False,
    "tracker": "tracktrack.yaml",
    "verbose": True,
    "vid_stride": 1,
    "visualize": False,
    "workspace": None,
}
KNOWN = OURS | OF_THE_JOB | PASSED | IDLE


def unknown_defaults(installed: Mapping[str, object]) -> list[str]:
    """What the installed release has beside the known settings, or with another default though
    nothing passes it; each with its value."""
    added = [name for name in installed if name not in KNOWN]
    changed = [n for n, value in IDLE.items() if n in installed and installed[n] != value]
    return [f"{name} = {installed[name]!r}" for name in sorted(added + changed)]
