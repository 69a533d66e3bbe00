# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Solutions
#
# To the exercises of `recurrent_inference_machines.ipynb`. Numbers are of one seed; how
# far another would lie can be seen by changing it.

# %%
# TensorFlow starts with a page of remarks, which this keeps away.
from paper_experiments.common import quiet

quiet.import_backend()
# In a notebook pictures are JPEG, so that the file is small.
# %config InlineBackend.figure_formats = ["jpeg"]
# %config InlineBackend.print_figure_kwargs = {"pil_kwargs": {"quality": 45}}

# %%
import os
import time

import keras
import numpy as np
import skimage
from keras import ops
from matplotlib import pyplot as plt

import rim_tf
from rim_tf.cells import GDNCell, RIMCell
from rim_tf.forward_models import Blur, ForwardModel, check_adjoint

# A quick pass through all cells, whose numbers mean nothing.
QUICK = bool(os.environ.get("LESSON_QUICK"))
# For each training; on a slow or busy machine give it more.
SECONDS = 0 if QUICK else 45
keras.utils.set_random_seed(0)
plt.rcParams["figure.dpi"] = 80

photograph = skimage.color.rgb2gray(skimage.data.chelsea())
clean = np.float32(photograph[60:188, 110:238])[None, ..., None]
random = np.random.default_rng(0)
noise = np.float32(random.standard_normal(clean.shape))
noisy = clean + 25 / 255 * noise
sigma = 25 / 255
photographs = [
    np.float32(skimage.color.rgb2gray(image))
    for image in (
        skimage.data.coffee(),
        skimage.data.astronaut(),
        skimage.data.rocket(),
    )
]


def psnr(estimate):
    """Returns the PSNR in dB of an estimate of `clean`."""
    return float(rim_tf.metrics.psnr(estimate, clean)[0])


def draw_patches(number, size=32):
    """Returns random patches, `(number, size, size, 1)`."""
    patches = []
    for _ in range(number):
        image = photographs[random.integers(len(photographs))]
        top, left = (random.integers(n - size) for n in image.shape)
        patches.append(image[top : top + size, left : left + size, None])
    return np.stack(patches)


def train(cell, num_steps=5, learning_rate=3e-3, **arguments):
    """Trains a RIM with that cell for `SECONDS`; returns it."""
    model = rim_tf.RIM(cell, num_steps=num_steps, **arguments)
    model.build()
    model.compile(keras.optimizers.Adam(learning_rate), "mse")
    begin, has_begun = time.time(), False
    while not has_begun or time.time() - begin < SECONDS:
        patches = draw_patches(16 if QUICK else 256)
        levels = np.float32(random.uniform(0, 55 / 255, len(patches)))
        normal = random.standard_normal(patches.shape)
        observed = np.float32(patches + levels[:, None, None, None] * normal)
        size = 4 if QUICK else 16
        model.fit((observed, levels), patches, batch_size=size, verbose=0)
        has_begun = True
    return model


def draw_curves(curves, title):
    """Draws the PSNR over t."""
    _, axis = plt.subplots(figsize=(5.5, 3.2))
    for name, curve in curves.items():
        axis.plot(range(1, len(curve) + 1), curve, ".-", label=name)
    axis.set(xlabel="t", ylabel="PSNR in dB", title=title)
    axis.xaxis.get_major_locator().set_params(integer=True)
    axis.legend()
    plt.show()


def curve_of(model, num_steps=6 if QUICK else 20):
    """Returns the PSNR of the estimates of the noisy photograph."""
    estimates = rim_tf.iterate(model, noisy, sigma=sigma, num_steps=num_steps)
    return [psnr(estimate) for estimate in estimates]


SMALL = {"features": 16, "state_features": 32}

# %% [markdown]
# ## 1. No memory
#
# A cell is called with its states and returns the new ones. One that forgets gives its
# layer the states of the beginning each time. The GRU is there, but has nothing to
# remember, so this is not the FFN: it is as large as the RIM.


# %%
@keras.saving.register_keras_serializable("lesson")
class ForgetfulCell(RIMCell):
    """A `RIMCell` whose state is 0 at every step."""

    def call(self, inputs, states):
        """Makes a step from the state 0."""
        return super().call(inputs, [])


remembering, forgetful = (train(cell(**SMALL)) for cell in (RIMCell, ForgetfulCell))
curves = {"RIM": curve_of(remembering), "no memory": curve_of(forgetful)}
draw_curves(curves, f"noisy: {psnr(noisy):.1f} dB")
for name, curve in curves.items():
    print(f"{name}: {curve[4]:.2f} dB at t = 5, {curve[-1]:.2f} dB at the end")

# %% [markdown]
# Without a memory each step has to do the same as the one before, so it is a rule that
# is applied again and again. For plain noise that costs little at t = 5: the estimate
# is a memory, too. And it is safe: step 20 is like step 5. With a memory step 20 is
# something that the training never showed, and whether the estimate falls there is a
# matter of luck after so short a training. Train both with three seeds before you
# believe either. The paper's FFN, which has no memory, is close to the RIM on some of
# its tasks and far below it on others.
#
# ## 2. No estimate
#
# The GDN sees the gradient only. Trained for ten steps instead of five it has to find
# out within ten steps when to stop.

# %%
curves = {
    f"GDN, trained for T = {T}": curve_of(train(GDNCell(**SMALL), T)) for T in (5, 10)
}
draw_curves(curves, f"noisy: {psnr(noisy):.1f} dB")

# %% [markdown]
# The fall comes later, and does not go: the best step lies near the end of what it was
# trained for. Its memory can count steps, but only as far as the training went. (Ten
# steps take twice the time of five, so it has seen half as many patches.)
#
# ## 3. Longer

# %%
blur = Blur(np.ones((5, 5)) / 25)
blurred = np.asarray(blur.forward(clean)) + 4 / 255 * noise
three_tasks = rim_tf.load_pretrained("rim_3task")
num_steps = 10 if QUICK else 50
estimates = rim_tf.iterate(three_tasks, blurred, blur, 4 / 255, num_steps=num_steps)
curve = [psnr(estimate) for estimate in estimates]
draw_curves({"rim_3task": curve}, f"blurred: {psnr(blurred):.1f} dB")
stopped, details = rim_tf.restore(
    three_tasks, blurred, blur, 4 / 255, num_steps="auto", details=True
)
print(f"best of {num_steps}: t = {np.argmax(curve) + 1}, {max(curve):.2f} dB")
print(f"last: {curve[-1]:.2f} dB; 'auto': {psnr(stopped):.2f} dB, {details}")

# %% [markdown]
# After some 20 steps, those of its training, the network begins to amplify what noise
# is left. `"auto"` does not know the truth. It looks at how much the estimate still
# changes, and at the residual $y - A x$: once its root mean square is below
# $0.95 \sigma$, the estimate has begun to explain the noise. Here that is a few steps
# after the best. If neither says stop, it ends after half as many steps again as in the
# training. All of it is in `rim_tf/restoration.py`.
#
# ## 4. Which gradient?
#
# With $x = \Psi(\eta)$ the chain rule says $\nabla_\eta = \Psi'(\eta) \nabla_x$. For
# the sigmoid $\Psi' = x (1 - x)$: at most 1/4, and nearly 0 where the image is black or
# white.

# %%
by_gradient = {name: train(RIMCell(**SMALL), gradient=name) for name in ("x", "eta")}
curves = {f"gradient in {name}": curve_of(m) for name, m in by_gradient.items()}
draw_curves(curves, f"noisy: {psnr(noisy):.1f} dB")
ours = {
    name: rim_tf.restore(model, noisy, sigma=sigma)
    for name, model in by_gradient.items()
}
errors = {name: (estimate - clean) ** 2 for name, estimate in ours.items()}
dark = clean < np.quantile(clean, 0.1)
for name, error in errors.items():
    parts = (-10 * np.log10(error[mask].mean()) for mask in (dark, ~dark))
    print(
        "gradient in {}: {:.2f} dB in the dark, {:.2f} dB elsewhere".format(
            name, *parts
        )
    )

# %% [markdown]
# The paper writes the gradient in $x$, and its authors' later code takes $\eta$. A
# network can learn to work with either, and a difference of one pair of short trainings
# says little; the ledger of decisions in `RESULTS.md` has what a longer training makes
# of it. `train.py --gradient=eta` trains one at full size.
#
# ## 5. A wrong adjoint


# %%
class WrongBlur(ForwardModel):
    """A blur whose adjoint forgets to turn the kernel around."""

    def __init__(self, kernel):
        self.blur = Blur(kernel)

    def forward(self, image):
        """Returns A x."""
        return self.blur.forward(image)

    def adjoint(self, observation):
        """Returns what is not A^T y: the convolution once more."""
        return self.blur.forward(observation)


# A kernel that looks the same when turned around would hide the mistake.
kernel = np.float32(np.triu(np.ones((5, 5))))
right, wrong = (cls(kernel / kernel.sum()) for cls in (Blur, WrongBlur))
observed = np.asarray(right.forward(clean)) + 2 / 255 * noise
T = 5 if QUICK else 20
for name, model in (("right", right), ("wrong", wrong)):
    restored = rim_tf.restore(three_tasks, observed, model, 2 / 255, num_steps=T)
    print(f"{name} adjoint: {psnr(restored):.2f} dB")
check_adjoint(right, clean.shape)
try:
    check_adjoint(wrong, clean.shape)
except ValueError as error:
    print("check_adjoint:", error)

# %% [markdown]
# `restore` cannot know: it gets a function, and uses it. `check_adjoint` compares
# $\langle A x, y \rangle$ with $\langle x, A^T y \rangle$ for random $x$ and $y$, and
# with automatic differentiation.
#
# ## 6. Your own
#
# ### A forward model: skipped rows, and the others twice as bright


# %%
class BrightRows(ForwardModel):
    """Every second row, at twice its brightness."""

    def forward(self, image):
        """Returns A x, of half the height."""
        return 2 * image[:, ::2]

    def adjoint(self, observation):
        """Returns A^T y: the rows in their places, and 0 between them."""
        rows = ops.stack([2 * observation, ops.zeros_like(observation)], axis=2)
        _, height, width, channels = observation.shape
        return ops.reshape(rows, (-1, 2 * height, width, channels))

    def initial_estimate(self, observation):
        """Returns where a RIM starts: each row twice, since A^T y has black ones."""
        return ops.repeat(ops.convert_to_tensor(observation) / 2, 2, axis=1)


model = BrightRows()
check_adjoint(model, clean.shape)
observed = np.asarray(model.forward(clean)) + 4 / 255 * noise[:, ::2]
restored = rim_tf.restore(three_tasks, observed, model, 4 / 255, num_steps=T)
print(f"every second row: {psnr(restored):.2f} dB")

# %% [markdown]
# ### Photons
#
# A camera counts photons. Where the image is $x$ it counts $y$ with the probability
# $e^{-\lambda} \lambda^y / y!$, $\lambda = p x$, with $p$ photons at most. That is no
# normal noise of one $\sigma$: dark pixels have less. But its logarithm is easy to
# write down, up to what does not depend on $x$:
#
# $$ \log p(y | x) = y \log x - p x $$

# %%
peak = 60
counts = np.float32(random.poisson(peak * clean))
trained = rim_tf.load_pretrained("rim_denoise")


def start(y):
    """Returns the counts as an image."""
    return y / peak


def logarithm(x, y, sigma):
    """Returns log p(y | x), `(batch,)`."""
    return ops.sum(y * ops.log(x) - peak * x, axis=(1, 2, 3))


def softened(x, y, sigma):
    """Returns its gradient, as equation 9 would have it: with epsilon."""
    return (start(y) - x) / (x / peak + trained.epsilon)


# As if all pixels had the noise of the mean one.
mean_sigma = np.sqrt(clean.mean() / peak)
restored = {
    "the logarithm": rim_tf.restore(
        trained, counts, rim_tf.LogLikelihood(start, logarithm), num_steps=T
    ),
    "its gradient, with epsilon": rim_tf.restore(
        trained, counts, rim_tf.LogLikelihood(start, gradient=softened), num_steps=T
    ),
    "normal noise of the mean sigma": rim_tf.restore(
        trained, start(counts), sigma=mean_sigma, num_steps=T
    ),
}
print(f"counts / {peak}: {psnr(start(counts)):.2f} dB")
for name, estimate in restored.items():
    print(f"{name}: {psnr(estimate):.2f} dB")

# %% [markdown]
# The gradient of the logarithm is $y / x - p$, which automatic differentiation finds.
# It is $(y / p - x)$ divided by the variance $x / p$ of a pixel: **where the image is
# dark, a photon says more**. But the network has never seen gradients so large:
# equation 9 adds $\epsilon$ to the variance, and the network was trained with that.
# With the same $\epsilon$ here it is better than with one $\sigma$ for all pixels.
