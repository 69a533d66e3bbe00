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
# # Recurrent inference machines
#
# An image is seen through something that loses a part of it: noise, a blur, missing
# pixels. Which image was it? This lesson goes from the equation that says what was seen
# to a network that learns how to infer what was there: the recurrent inference machine
# (RIM) of Putzky and Welling, [arXiv:1706.04008](https://arxiv.org/abs/1706.04008).
# You need some linear algebra, and to have trained a network before.
#
# 1. What was seen: $y = A x + n$
# 2. Inference by hand: going up the likelihood, and a prior
# 3. From a rule to a network: the same loop
# 4. The loop opened
# 5. A training in class, and what memory and estimate are good for
# 6. The swap: forward models that the network never saw
# 7. Exercises

# %%
# TensorFlow starts with a page of remarks, which this keeps away.
from paper_experiments.common import quiet

quiet.import_backend()
# In a notebook pictures are JPEG, so that the file is small.
# %config InlineBackend.figure_formats = ["jpeg"]
# %config InlineBackend.print_figure_kwargs = {"pil_kwargs": {"quality": 38}}

# %%
import os
import time

import keras
import numpy as np
import skimage
from keras import ops
from matplotlib import pyplot as plt

import rim_tf
from rim_tf.cells import FFNCell, GDNCell, RIMCell
from rim_tf.forward_models import Blur, Denoising, Inpainting

# A quick pass through all cells, whose numbers mean nothing.
QUICK = bool(os.environ.get("LESSON_QUICK"))
keras.utils.set_random_seed(0)
plt.rcParams["figure.dpi"] = 80


def show(images, titles, width=2.0):
    """Draws images side by side, pixels from 0 (black) to 1 (white)."""
    _, axes = plt.subplots(
        1, len(images), figsize=(width * len(images), width + 0.4), squeeze=False
    )
    for axis, image, title in zip(axes[0], images, titles, strict=True):
        axis.imshow(np.squeeze(image), "gray", vmin=0, vmax=1)
        axis.set_title(title, fontsize=9)
        axis.set_axis_off()
    plt.tight_layout()
    plt.show()


def psnr(estimate):
    """Returns the PSNR in dB of an estimate of `clean`."""
    return float(rim_tf.metrics.psnr(estimate, clean)[0])


# %% [markdown]
# ## 1. What was seen
#
# Equation 1 of the paper is
#
# $$ y = A x + n $$
#
# with the image $x$, the forward model $A$, which is linear, and noise $n$ with the
# standard deviation $\sigma$. Images are arrays `(batch, height, width, channels)` with
# pixels between 0 and 1. Here is a photograph that no network of this lesson trains on,
# and three ways of seeing it.

# %%
photograph = skimage.color.rgb2gray(skimage.data.chelsea())
clean = np.float32(photograph[60:188, 110:238])[None, ..., None]
random = np.random.default_rng(0)
noise = np.float32(random.standard_normal(clean.shape))

box = Blur(np.ones((5, 5)) / 25)
half = Inpainting.random((128, 128), 0.5)
noisy = clean + 25 / 255 * noise
blurred = np.asarray(box.forward(clean)) + 4 / 255 * noise
# Where a pixel is missing there is no noise either.
sparse = np.asarray(half.forward(clean + 2 / 255 * noise))

seen = {"clean": clean, "noisy": noisy, "blurred": blurred, "half of it": sparse}
show(seen.values(), [f"{name}\n{psnr(y):.1f} dB" for name, y in seen.items()])

# %% [markdown]
# The PSNR is $-10 \log_{10}$ of the mean squared error: the more the better, and of
# `clean` itself infinite. 10 dB more are a tenth of the error.
#
# A forward model is two functions, `forward` and `adjoint`. The second is defined by
# $\langle A x, y \rangle = \langle x, A^T y \rangle$ for all $x$ and $y$; in a moment
# it carries what is wrong with an observation back to the image.

# %%
x, y = (random.standard_normal(clean.shape) for _ in "xy")
print("<A x, y>  =", np.sum(np.asarray(box.forward(x)) * y))
print("<x, A^T y> =", np.sum(x * np.asarray(box.adjoint(y))))

# %% [markdown]
# ## 2. Inference by hand
#
# With normal noise the logarithm of the likelihood $p(y | x)$ has the gradient
#
# $$ \nabla_x \log p(y | x) = \frac{1}{\sigma^2} A^T (y - A x). $$
#
# The image that explains $y$ best is found by going up along it: $x_{t+1} = x_t +
# \gamma \nabla_x \log p(y | x_t)$. A step of $\gamma = \sigma^2$ takes $\sigma$ out
# of the product, so below there is none.


# %%
def go_up(y, model, num_steps, prior=None, weight=0.0):
    """Returns x_1 ... x_T of gradient ascent from A^T y."""
    x = np.asarray(model.adjoint(y))
    # Longer steps would jump over the top, farther each time: see below.
    step = 1 / (1 + 2 * weight)
    estimates = []
    for _ in range(num_steps):
        gradient = np.asarray(model.adjoint(y - np.asarray(model.forward(x))))
        if prior is not None:
            gradient = gradient + weight * prior(x)
        x = x + step * gradient
        estimates.append(x)
    return estimates


steps = 5 if QUICK else 60
by_likelihood = {
    "noisy": go_up(noisy, Denoising(), steps),
    "blurred": go_up(blurred, box, steps),
    "half of it": go_up(sparse, half, steps),
}
show(
    [estimates[-1] for estimates in by_likelihood.values()],
    [f"from {name}\n{psnr(e[-1]):.1f} dB" for name, e in by_likelihood.items()],
)

# %% [markdown]
# The likelihood alone is happy with the noisy image: it explains the noise, too. It
# sharpens the blurred one at first, and then its noise. Of missing pixels it knows
# nothing, and leaves them black.

# %%
sharpened = [psnr(x) for x in by_likelihood["blurred"]]
best = np.argmax(sharpened)
print(
    f"blurred: {psnr(blurred):.1f} dB, after {best + 1} steps {sharpened[best]:.1f} dB"
)
print(f"after {steps} steps: {sharpened[-1]:.1f} dB")

# %% [markdown]
# **What is missing is a prior**: that photographs are mostly smooth. Its simplest form,
# $\log p(x) = -\frac{\lambda}{2} |\nabla x|^2$, has the Laplacian as its gradient.


# %%
def smoothness(x):
    """Returns the gradient of -|grad x|^2 / 2: how far neighbours are above a pixel."""
    above, below, left, right = (
        np.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]], "edge")[:, rows, columns]
        for rows, columns in (
            (slice(0, -2), slice(1, -1)),
            (slice(2, None), slice(1, -1)),
            (slice(1, -1), slice(0, -2)),
            (slice(1, -1), slice(2, None)),
        )
    )
    return (above + below + left + right) / 4 - x


by_prior = {
    "noisy": go_up(noisy, Denoising(), steps, smoothness, 4),
    "blurred": go_up(blurred, box, steps, smoothness, 0.15),
    "half of it": go_up(sparse, half, steps, smoothness, 0.5),
}
show(
    [estimates[-1] for estimates in by_prior.values()],
    [f"from {name}\n{psnr(e[-1]):.1f} dB" for name, e in by_prior.items()],
)

# %% [markdown]
# Better, and wrong in a way of its own: edges are not smooth. Each of the three wanted
# another weight $\lambda$, found by looking at the truth. And the more the prior
# weighs, the shorter a step must be. The sum of the two gradients falls off by up to
# $1 + 2 \lambda$ for each unit of $x$; a step of more than $2 / (1 + 2 \lambda)$ lands
# farther beyond the top than it was before it, and so on. Try it: put `step = 1` into
# `go_up`.
#
# Decades of work went into better priors, better steps, better stops. The idea of the
# paper is to **learn all three at once**.
#
# ## 3. From a rule to a network
#
# Gradient ascent is a loop: the next estimate is a function of the last one and of the
# gradient. The RIM keeps the loop and lets a network be the function, with a memory $s$
# (equations 6 and 7):
#
# $$ \eta_{t+1}, s_{t+1} = \eta_t + h_\phi(\nabla_t, \eta_t, s_t) $$
#
# $$ x_t = \Psi(\eta_t) $$
#
# Here it is in six lines, with any cell for $h_\phi$ and without the details:


# %%
def infer(cell, y, model, num_steps):
    """Returns x_1 ... x_T, with Psi(eta) = eta."""
    eta, states, estimates = model.adjoint(y), [], []
    for _ in range(num_steps):
        gradient = model.adjoint(y - model.forward(eta))
        update, states = cell(ops.concatenate([eta, gradient], axis=-1), states)
        eta = eta + update
        estimates.append(eta)
    return estimates


def plain_cell(inputs, states):
    """Returns the gradient: the cell of gradient ascent."""
    return inputs[..., 1:], states


by_loop = infer(plain_cell, blurred, box, steps)
difference = np.abs(np.asarray(by_loop[-1]) - by_likelihood["blurred"][-1]).max()
print("largest difference to gradient ascent:", difference)

# %% [markdown]
# With that cell the loop *is* gradient ascent. The library's `rim_tf.RIM` is this loop,
# with the precision $1 / (\sigma^2 + \epsilon)$ in the gradient (equation 9) and a link
# $\Psi$ that keeps pixels between 0 and 1. Its cell may be any object that can be
# called so; a class of yours, too.


# %%
class GradientStep:
    """Gradient ascent as a cell of `rim_tf.RIM`."""

    def __init__(self, step):
        self.step = step

    def get_initial_state(self, batch_size, height, width):
        return []

    def __call__(self, inputs, states):
        return self.step * inputs[..., 1:], states


by_hand = rim_tf.RIM(GradientStep(1.0), link="identity", normalize=False)
by_hand.build()
# The step that takes the precision out again.
by_hand.cell.step = (4 / 255) ** 2 + float(by_hand.epsilon)
restored = rim_tf.restore(by_hand, blurred, box, 4 / 255, num_steps=steps)
difference = np.abs(restored - by_likelihood["blurred"][-1]).max()
print("largest difference to gradient ascent:", difference)

# %% [markdown]
# ## 4. The loop opened
#
# Now the paper's network: a convolution, a convolutional GRU that is the memory, a
# convolution back; 2.4 million weights, trained on noise of all levels up to 55/255.
# Each pass through the loop looks at the estimate $\eta$ and the gradient, and proposes
# an update.

# %%
trained = rim_tf.load_pretrained("rim_denoise")
sigma = np.float32([25 / 255])
eta = trained.initial_eta(noisy, Denoising())
states = trained.initial_state(eta)
opened = []
for _ in range(6):
    gradient = trained.likelihood_gradient(eta, noisy, sigma, Denoising())
    new_eta, states = trained.update(eta, gradient, states)
    opened.append([np.asarray(a) for a in (eta, gradient, new_eta - eta, states[0])])
    eta = new_eta

_, axes = plt.subplots(3, 4, figsize=(7.6, 6.1))
for column, t in zip(axes.T, (0, 1, 2, 5), strict=True):
    for axis, values, name in zip(
        column, opened[t][:3], ("eta", "gradient", "update"), strict=True
    ):
        bound = np.abs(values).max()
        axis.imshow(values[0, ..., 0], "gray", vmin=-bound, vmax=bound)
        axis.set_title(f"t = {t}: {name}, up to {bound:.1f}", fontsize=8)
        axis.set_axis_off()
plt.tight_layout()
plt.show()

# %% [markdown]
# Each picture has a scale of its own: see the number above it. The gradient is $y - x$
# but for a factor. At $t = 0$ it is 0, since the first estimate is the observation
# itself, but where that was outside of the range of pixels. The first update takes most
# of the noise away; later ones are smaller and smaller, and mend edges. From then on
# the gradient should look like noise, without edges: an edge there is a detail that the
# estimate has lost.
#
# The memory has 256 channels, at half of the resolution; here are eight of them after
# the sixth step, by their numbers. Some see edges of one direction, some see texture.

# %%
state = opened[-1][3][0]
# Those that vary most over the image.
channels = np.argsort(state.std(axis=(0, 1)))[::-1][:8]
names = [f"channel {c}" for c in channels]
show([(state[..., c] + 1) / 2 for c in channels], names, 1.3)

# %%
estimates = list(
    rim_tf.iterate(trained, noisy, sigma=sigma, num_steps=6 if QUICK else 20)
)
rim_tf.show_estimates(estimates, clean, noisy)

# %% [markdown]
# What can be judged without the truth? If the estimate is right, $y - x$ is the noise,
# and its root mean square divided by $\sigma$ is 1. Far above 1 the estimate does not
# explain the observation; far below it explains noise. Somewhat below is usual: no
# estimate can tell all of the noise from the image.

# %%
residual = [
    np.sqrt(np.mean((noisy - np.asarray(e)) ** 2)) / sigma[0] for e in estimates
]
for t in (1, 2, 5, len(estimates)):
    print(f"t = {t:2}: residual / sigma = {residual[t - 1]:.2f}")

# %% [markdown]
# ## 5. A training in class
#
# A smaller network will do: 16 features, a memory of 32, five steps. It trains on
# patches of three photographs with noise of random levels. `fit` minimises the mean
# squared error of *all* estimates, not only the last (equation 8): so each step learns
# to be useful.

# %%
photographs = [
    np.float32(skimage.color.rgb2gray(image))
    for image in (
        skimage.data.coffee(),
        skimage.data.astronaut(),
        skimage.data.rocket(),
    )
]


def draw_patches(number, size=32):
    """Returns random patches, `(number, size, size, 1)`."""
    patches = []
    for _ in range(number):
        image = photographs[random.integers(len(photographs))]
        top, left = (random.integers(n - size) for n in image.shape)
        patches.append(image[top : top + size, left : left + size, None])
    return np.stack(patches)


def train(cell, seconds, learning_rate=3e-3):
    """Trains a RIM of five steps with that cell for some time; returns it."""
    model = rim_tf.RIM(cell, num_steps=5)
    model.build()
    model.compile(keras.optimizers.Adam(learning_rate), "mse")
    begin, losses = time.time(), []
    while not losses or time.time() - begin < seconds:
        patches = draw_patches(16 if QUICK else 256)
        levels = np.float32(random.uniform(0, 55 / 255, len(patches)))
        normal = random.standard_normal(patches.shape)
        observed = np.float32(patches + levels[:, None, None, None] * normal)
        history = model.fit(
            (observed, levels), patches, batch_size=4 if QUICK else 16, verbose=0
        )
        losses += history.history["loss"]
    print(
        f"{type(cell).__name__}: {model.count_params():,} parameters, {len(losses)} "
        f"rounds of {len(patches)} patches, loss {losses[0]:.4f} to {losses[-1]:.4f}"
    )
    return model


# On a slow or busy machine give it more, so that it makes 20 rounds or more.
seconds = 0 if QUICK else 45
models = {
    name: train(cell(features=16, state_features=32), seconds)
    for name, cell in (("RIM", RIMCell), ("GDN", GDNCell), ("FFN", FFNCell))
}

# %% [markdown]
# The RIM sees the gradient, its own estimate, and has a memory. The **GDN** (gradient
# descent network) does not see the estimate, the **FFN** (feed-forward network) has no
# memory. All had the same time. How do they do on a photograph that they never saw, and
# what happens after the five steps that they were trained for?

# %%
num_steps = 6 if QUICK else 20
curves = {
    name: [
        psnr(x) for x in rim_tf.iterate(model, noisy, sigma=sigma, num_steps=num_steps)
    ]
    for name, model in models.items()
}
_, axis = plt.subplots(figsize=(7.5, 3.2), layout="constrained")
for name, curve in curves.items():
    axis.plot(range(1, num_steps + 1), curve, ".-", label=name)
axis.axvline(5, color="gray", linestyle=":", label="end of the training's steps")
axis.set(xlabel="t", ylabel="PSNR in dB", title=f"noisy: {psnr(noisy):.1f} dB")
axis.set_xticks(range(1, num_steps + 1, 2))
axis.legend(loc="center left", bbox_to_anchor=(1, 0.5))
plt.show()
for name, curve in curves.items():
    print(f"{name}: {curve[4]:.2f} dB at t = 5, {curve[-1]:.2f} dB at t = {num_steps}")

# %% [markdown]
# That was a corner of fur, where the paper's network of 2.4 million parameters gains
# 8.6 dB. Here is the whole photograph.

# %%
whole = np.float32(photograph)[None, ..., None]
whole_noisy = whole + 25 / 255 * np.float32(random.standard_normal(whole.shape))
shown = {"noisy": whole_noisy}
for name, model in models.items():
    shown[name] = rim_tf.restore(model, whole_noisy, sigma=25 / 255)
titles = [
    f"{name}: {rim_tf.metrics.psnr(x, whole)[0]:.1f} dB" for name, x in shown.items()
]
show(shown.values(), titles, 2.6)

# %% [markdown]
# **Why is the GDN so far below, and why does it fall?** Near the solution the gradient
# is mostly noise, and does not say where the estimate stands. Its updates are made for
# five steps, after which nothing tells it that the work is done: it goes on. The paper
# finds the same with large networks (Figure 3).
#
# **What is the memory good for?** Here for half a dB to a dB, after five steps. The FFN
# is small and quick, makes twice the rounds in the same time, and sees its estimate,
# which is a memory, too. The projections of Figure 3 are harder, and there the RIM is
# clearly above.
#
# **Does your RIM fall, too?** After so short a training most do, some by more than the
# GDN. The memory goes on beyond the fifth step, into states that no training has shown
# to the network. The FFN has none: for it step 20 is like step 5. Train with another
# seed, for more steps, or longer, before you believe a curve. The RIM of section 4,
# which trained for 20 steps and longer, stays where it is.
#
# ## 6. The swap
#
# The forward model enters through the gradient only. So the network of the last
# section, which has seen nothing but noise, can be given another one.

# %%
small = models["RIM"]
tasks = {
    "noise": (noisy, Denoising(), 25 / 255),
    "half of the pixels": (sparse, half, 2 / 255),
    "blur": (blurred, box, 4 / 255),
}
for name, (y, model, level) in tasks.items():
    start = model.initial_estimate(y)
    ours = rim_tf.restore(small, y, model, level)
    print(f"{name}: start {psnr(start):.1f} dB, small network {psnr(ours):.1f} dB")

# %% [markdown]
# Missing pixels start from an interpolation of the others, not from black. A network
# that has seen nothing but noise, and that for less than a minute, does for noise what
# it was trained for, and little for the others, or even harm: its memory and its
# estimate have learnt what denoising looks like. The paper's `rim_3task` saw *random
# projections* in its training: neither noise alone nor blurs nor missing pixels, but
# forward models that differ from batch to batch. So it had to learn to rely on the
# gradient.

# %%
three_tasks = rim_tf.load_pretrained("rim_3task")
T = 5 if QUICK else 20
shown = {}
for name, (y, model, level) in tasks.items():
    shown[name] = rim_tf.restore(three_tasks, y, model, level, num_steps=T)
show(
    [*(y for y, _, _ in tasks.values()), *shown.values()],
    [
        *(f"{name}\n{psnr(y):.1f} dB" for name, (y, _, _) in tasks.items()),
        *(f"rim_3task\n{psnr(x):.1f} dB" for x in shown.values()),
    ],
    1.6,
)

# %% [markdown]
# Nothing was tuned here, and one network served all three. Compare with section 2: the
# smooth prior, whose weight we chose by looking at the truth, loses on noise and on
# missing pixels, and is as good or better on the blur. A blur takes away what is fine,
# and what is left is smooth: there a simple prior is hard to beat, and the network has
# never seen one: look at the bright arcs along the eye's lower edge. That a network can
# be given another forward model does not make it the best at everything.
#
# A camera's sensor sees one colour at each pixel: a mosaic. Each colour is an image
# with missing pixels, so three grey images and three masks make a forward model of it.

# %%
color = np.float32(skimage.data.chelsea()[60:188, 110:238] / 255)
planes = np.moveaxis(color, -1, 0)[..., None]
masks = np.zeros((3, 128, 128, 1), np.float32)
masks[0, ::2, ::2] = masks[2, 1::2, 1::2] = 1
masks[1, ::2, 1::2] = masks[1, 1::2, ::2] = 1
mosaic = Inpainting(masks)
observed = mosaic.forward(planes + 5 / 255 * noise)
planes = rim_tf.restore(three_tasks, observed, mosaic, 5 / 255, num_steps=T)
pictures = [np.moveaxis(p[..., 0], 0, -1) for p in (np.asarray(observed), planes)]
_, axes = plt.subplots(1, 2, figsize=(5, 2.9))
for axis, picture, title in zip(
    axes, pictures, ("the mosaic", "restored"), strict=True
):
    axis.imshow(np.clip(picture, 0, 1))
    axis.set_title(
        f"{title}: {rim_tf.metrics.psnr(picture[None], color[None])[0]:.1f} dB"
    )
    axis.set_axis_off()
plt.tight_layout()
plt.show()

# %% [markdown]
# **What must be right?** The noise level is told to the network. Told half of it, it
# takes noise for detail; told twice as much, it takes detail for noise.

# %%
for factor in (0.5, 1, 2):
    told = rim_tf.restore(trained, noisy, sigma=factor * 25 / 255, num_steps=T)
    print(f"told {factor:3} sigma: {psnr(told):.2f} dB")

# %% [markdown]
# The scale of $A$ says nothing about the image: $A$ and $2 A$ with twice the noise are
# one problem. For the network they are not: $A^T (y - A x)$ is four times as large, and
# $\epsilon$ does not grow with $\sigma^2$. `restore` divides by the largest singular
# value of $A$ before it begins, so that they are; `normalize=False` leaves that out.

# %%
for normalize in (True, False):
    twice = rim_tf.restore(
        three_tasks, 2 * blurred, 2 * box, 8 / 255, num_steps=T, normalize=normalize
    )
    print(f"A of twice the scale, normalize={normalize}: {psnr(twice):.2f} dB")

# %% [markdown]
# ## 7. Exercises
#
# Their solutions are in `solutions.ipynb`.
#
# 1. **No memory.** Write a cell that forgets: a subclass of `RIMCell` whose
#    `call(inputs, states)` begins with the state 0, an empty list, at every step. Train
#    it for 45 seconds. What is it worth at t = 5 and at t = 20?
# 2. **No estimate.** `GDNCell` does not see $\eta$. Train it for ten steps instead of
#    five (`num_steps` in `train`), or with another learning rate. Does its fall come
#    later, or go?
# 3. **Longer.** Restore the blurred photograph with `rim_3task` for 50 steps and draw
#    the PSNR. Then use `num_steps="auto"`. What does it look at, since it does not know
#    the truth?
# 4. **Which gradient?** `RIM(gradient="eta")` multiplies the gradient by $\Psi'(\eta)$,
#    as the chain rule has it. Train both. Where in the image do they differ?
# 5. **A wrong adjoint.** Write a class with the `forward` of `Blur`, for a kernel that
#    is not symmetric, and an `adjoint` that forgets to turn the kernel around. Does
#    `restore` notice? Does `rim_tf.forward_models.check_adjoint`?
# 6. **Your own.** A forward model of your own, linear or not; or counts of photons,
#    whose noise is not normal (`rim_tf.LogLikelihood`).
