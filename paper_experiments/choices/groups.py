"""All choices, group by group, in the order of the tables."""

from paper_experiments.choices import images, measure, noise, restoring, small_images
from paper_experiments.choices.names import GROUPS
from paper_experiments.choices.steps import Choice

OURS = Choice("ours", "this project's", {}, {})
ALL: dict[str, tuple[Choice, ...]] = dict(
    zip(
        GROUPS,
        (
            images.CHOICES,
            noise.CHOICES,
            measure.CHOICES,
            small_images.CHOICES,
            (*restoring.CHOICES, restoring.JAX),
        ),
        strict=True,
    )
)
RESTORING = GROUPS[-1]
BY_NAME: dict[str, Choice] = {
    choice.name: choice for choices in ALL.values() for choice in choices
}


def reference(choice: Choice) -> str:
    """Returns the name of what a choice is compared with."""
    return measure.OUR_SSIM.name if choice.metric == "ssim" else OURS.name
