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
# # A gallery of inverse problems
#
# Six ways of seeing an image badly, and what comes of each: by a recurrent inference
# machine (RIM), and by a classic. No network was trained for any of the six alone:
# `restore` gets the forward model beside the observation. Two networks know nothing but
# noise, on colours and on grey; the third, `rim_any`, has seen families of forward
# models on small patches: blurs, missing pixels, and parts of the Fourier plane.
#
# 1. A camera's mosaic of colours
# 2. Skipped rows
# 3. A shaken camera
# 4. A sparse matrix of one's own: samples at scattered places
# 5. Few photons
# 6. A radio telescope: part of the Fourier plane
# 7. Which method for which problem?
#
# Numbers are of one image and one draw of the noise each, so a few tenths of a dB mean
# nothing. Where a classic has a strength to choose, it gets the best for the true
# image, which nobody knows in earnest: so it is an upper bound of that classic.

# %%
# TensorFlow starts with a page of remarks, which this keeps away.
from paper_experiments.common import quiet

quiet.import_backend()
# In a notebook pictures are JPEG, so that the file is small.
# %config InlineBackend.figure_formats = ["jpeg"]
# %config InlineBackend.print_figure_kwargs = {"pil_kwargs": {"quality": 36}}

# %%
import os

import keras
import numpy as np
import scipy
import skimage
from matplotlib import pyplot as plt
from skimage import restoration

import rim_tf
from paper_experiments.rim_restore.units import Poisson, Range
from paper_experiments.unseen import classics, kernels
from paper_experiments.unseen.problems import Problem
from rim_tf.forward_models import (
    Blur,
    ForwardModel,
    FourierProjection,
    Mosaic,
    Subsampling,
)

# A quick pass through all cells, whose numbers mean nothing.
QUICK = bool(os.environ.get("LESSON_QUICK"))
SIZE, STEPS = (32, 2) if QUICK else (128, 20)
random = np.random.default_rng(0)
# PSNR of classic and RIM by problem.
results = {}


def cut(image, top, left):
    """Returns a square of an image, `(1, SIZE, SIZE, channels)` in [0, 1]."""
    square = skimage.util.img_as_float32(image)[top:, left:][:SIZE, :SIZE]
    return square.reshape(1, SIZE, SIZE, -1)


def observe(model, clean, sigma):
    """Returns A x + n, float32."""
    measured = keras.ops.convert_to_numpy(model.forward(clean))
    return measured + np.float32(sigma) * random.standard_normal(
        measured.shape, np.float32
    )


def best(restore, strengths, clean):
    """Returns what is nearest to the truth of what strengths give."""
    return max(map(restore, strengths), key=lambda x: rim_tf.metrics.psnr(x, clean)[0])


def show(problem, clean, seen, classic_name, classic, rim, brighter=1):
    """Draws all four side by side, and notes the numbers."""
    psnr = [float(rim_tf.metrics.psnr(x, clean)[0]) for x in (classic, rim)]
    results[problem] = (classic_name, *psnr)
    titles = [
        *("true", "observed"),
        f"{classic_name}\n{psnr[0]:.1f} dB",
        f"RIM\n{psnr[1]:.1f} dB",
    ]
    _, axes = plt.subplots(1, 4, figsize=(10, 3), dpi=64)
    for axis, image, title in zip(
        axes, (clean, seen, classic, rim), titles, strict=True
    ):
        shown = np.clip(brighter * np.squeeze(image), 0, 1)
        axis.imshow(shown, "gray", vmin=0, vmax=1)
        axis.set_title(title, fontsize=9)
        axis.set_axis_off()
    plt.tight_layout()
    plt.show()


# %% [markdown]
# ## 1. A camera's mosaic of colours
#
# A sensor measures one colour at each pixel. `Mosaic` is that, and starts from a linear
# interpolation that takes the detail of a colour from the others (Malvar, He and
# Cutler, 2004); the network is the one for denoising colours. The classic: the same
# interpolation, then total variation against the noise.

# %%
clean, sigma = cut(skimage.data.astronaut(), 20, 150), 5 / 255
mosaic = Mosaic("RGGB")
raw = observe(mosaic, clean, sigma)
rgb_model = rim_tf.load_pretrained("rim_rgb_denoise", "float32")
rim = rim_tf.restore(rgb_model, raw, mosaic, sigma, STEPS)

interpolated = keras.ops.convert_to_numpy(mosaic.initial_estimate(raw))
classic = best(
    lambda weight: restoration.denoise_tv_chambolle(
        interpolated[0], weight, channel_axis=-1
    )[None],
    np.geomspace(0.005, 0.08, 5),
    clean,
)
show("mosaic", clean, raw, "interpolation, total variation", classic, rim)

# %% [markdown]
# The same network can denoise the interpolation, and knows nothing of the mosaic then:

# %%
denoised = rim_tf.restore(rgb_model, interpolated, None, sigma, STEPS)
both = np.concatenate([interpolated, denoised])
after = rim_tf.metrics.psnr(both, clean.repeat(2, 0))
print("interpolation: {:.1f} dB; denoised by the RIM: {:.1f} dB".format(*after))

# %% [markdown]
# ## 2. Skipped rows
#
# Every other row was read out. The classic: a cubic spline through each column.

# %%
clean, sigma = cut(skimage.data.camera(), 60, 170), 2 / 255
rows = Subsampling((2, 1))
read = observe(rows, clean, sigma)
model = rim_tf.load_pretrained("rim_any", "float32")
rim = rim_tf.restore(model, read, rows, sigma, STEPS)

places = np.arange(0, SIZE, 2)
spline = scipy.interpolate.CubicSpline(places, read[0])
# Behind the last row there is nothing to go through.
classic = spline(np.minimum(np.arange(SIZE), places[-1]))[None]
show("skipped rows", clean, read.repeat(2, axis=1), "cubic spline", classic, rim)

# %% [markdown]
# ## 3. A shaken camera
#
# The kernel is known; beyond the border the image is taken to be mirrored.
# `num_steps="auto"` stops where the estimate settles. The classic: a Wiener filter.

# %%
clean = cut(skimage.color.rgb2gray(skimage.data.astronaut()), 20, 150)
sigma = 2.55 / 255
shaken = Blur(kernels.motion(15, 1), "symmetric")
blurred = observe(shaken, clean, sigma)
rim = rim_tf.restore(model, blurred, shaken, sigma, STEPS if QUICK else "auto")

classic = classics.wiener(Problem(shaken, blurred, sigma, clean[0]))[None]
show("shaken camera", clean, blurred, "Wiener filter", classic, rim)

# %% [markdown]
# ## 4. A sparse matrix of one's own
#
# Anything linear will do. Here samples lie at scattered places, four for ten pixels,
# each a bilinear mean of the four pixels around it: a row of a sparse matrix. The
# forward model is two products, and a start, since $A^T y$ is uneven, and zero in many
# places. The classic: cubic interpolation between scattered points.


# %%
class Sparse(ForwardModel):
    """Multiplies an image by a sparse matrix."""

    def __init__(self, matrix, start):
        self.matrix, self.start = matrix, start
        self.image_shape, self.observation_shape = (SIZE, SIZE, 1), (matrix.shape[0],)

    def forward(self, image):
        image = keras.ops.convert_to_numpy(image).reshape(-1, SIZE**2)
        return np.float32((self.matrix @ image.T).T)

    def adjoint(self, observation):
        observation = keras.ops.convert_to_numpy(observation)
        back = np.float32((self.matrix.T @ observation.T).T)
        return back.reshape(-1, SIZE, SIZE, 1)

    def initial_estimate(self, observation):
        return self.start(keras.ops.convert_to_numpy(observation))


clean, sigma = cut(skimage.data.coins(), 90, 60), 2 / 255
number = 2 * SIZE**2 // 5
places = random.uniform(0, SIZE - 1, (number, 2))
corners = np.int64(places)
parts = places - corners
matrix = sum(
    scipy.sparse.coo_array(
        (
            np.prod(np.where([i, j], parts, 1 - parts), axis=1),
            (np.arange(number), (corners + np.array([i, j])) @ [SIZE, 1]),
        ),
        shape=(number, SIZE**2),
    ).tocsr()
    for i in (0, 1)
    for j in (0, 1)
)
grid = tuple(np.mgrid[:SIZE, :SIZE])


def interpolate(observation, method):
    """Returns images of samples at scattered places."""
    values = scipy.interpolate.griddata(places, observation[0], grid, method)
    return np.float32(values).reshape(1, SIZE, SIZE, 1)


sparse = Sparse(matrix, lambda y: interpolate(y, "nearest"))
rim_tf.forward_models.check_adjoint(sparse, (1, SIZE, SIZE, 1))
samples = observe(sparse, clean, sigma)
rim = rim_tf.restore(model, samples, sparse, sigma, STEPS)

cubic, nearest = (interpolate(samples, method) for method in ("cubic", "nearest"))
# Outside of all samples there is no cubic interpolation.
classic = np.where(np.isnan(cubic), nearest, cubic)
dots = np.ones((SIZE, SIZE))
dots[tuple(np.intp(np.rint(places)).T)] = samples[0]
show("scattered samples", clean, dots, "cubic interpolation", classic, rim)

# %% [markdown]
# ## 5. Few photons
#
# Counts of photons, 30 where the image is white. A variance-stabilising transform makes
# their noise the same everywhere, and denoising does the rest: by the RIM, or by total
# variation.

# %%
clean, peak = cut(skimage.data.cell()[::4, ::4], 20, 5), 30
clean = (clean - clean.min()) / (clean.max() - clean.min())
counts = random.poisson(peak * clean).astype(np.float32)
scale = Poisson(Range(0, peak, "known"))
even = scale.to_unit(counts)
denoiser = rim_tf.load_pretrained("rim_denoise", "float32")
rim = scale.to_range(rim_tf.restore(denoiser, even, None, scale.sigma, STEPS))

classic = best(
    lambda weight: scale.to_range(
        restoration.denoise_tv_chambolle(even[0], weight, channel_axis=-1)[None]
    ),
    np.geomspace(0.02, 0.4, 7),
    clean,
)
show("few photons", clean, counts / peak, "total variation", classic, rim)

# %% [markdown]
# ## 6. A radio telescope
#
# Each pair of antennas measures one Fourier coefficient of the sky, and the turning
# Earth moves it along an ellipse. A single dish adds the coefficients around zero. The
# classic: total variation, by splitting. "Observed" is $A^T y$, the dirty image;
# all four are shown three times as bright as they are.


# %%
def tracks(antennas, hours):
    """Returns a mask of what an array sees, `(SIZE, SIZE)` in the order of the DFT."""
    places = random.normal(scale=SIZE / 8, size=(antennas, 2))
    pairs = (places[:, None] - places).reshape(-1, 2)
    turn = np.exp(2j * np.pi * np.arange(0, hours, 0.1) / 24)
    along = np.outer(turn, pairs @ [1, 1j])
    # The array sees the source at an angle.
    points = np.stack([along.real, 0.7 * along.imag], axis=-1).reshape(-1, 2)
    points = np.intp(np.rint(points[np.abs(points).max(axis=1) < SIZE / 2 - 1]))
    mask = np.zeros((SIZE, SIZE), np.float32)
    for sign in (1, -1):
        mask[tuple(sign * points.T)] = 1
    mask[np.hypot(*np.meshgrid(*2 * [SIZE * np.fft.fftfreq(SIZE)])) < 3] = 1
    return mask


clean = cut(skimage.color.rgb2gray(skimage.data.hubble_deep_field()), 430, 150)
sigma = 2 / 255
mask = tracks(antennas=12, hours=10)
array = FourierProjection(mask)
# Of what is not measured there is no noise either.
visible = observe(array, clean, sigma) * mask[..., None]
rim = rim_tf.restore(model, visible, array, sigma, STEPS)

dirty = keras.ops.convert_to_numpy(array.adjoint(visible))
classic = classics.total_variation(Problem(array, visible, sigma, clean[0]))[None]
show("radio telescope", clean, dirty, "total variation", classic, rim, brighter=3)
plt.figure(figsize=(2.6, 2.6), dpi=64)
plt.imshow(np.fft.fftshift(mask), "gray")
plt.title(f"measured: {mask.mean():.0%}", fontsize=9)
plt.axis("off")
plt.show()

# %% [markdown]
# ## 7. Which method for which problem?

# %%
print(f"{'PSNR in dB':20}{'classic':>9}{'RIM':>7}")
for problem, (name, classic_psnr, rim_psnr) in results.items():
    print(f"{problem:20}{classic_psnr:9.1f}{rim_psnr:7.1f}   {name}")

# %% [markdown]
# * **A mosaic**: the RIM, 1.5 dB above the classic, and 1.1 dB above the interpolation
#   that the same network denoised. On seven other crops that was 0.9 to 2.8 dB. From a
#   bilinear interpolation the classic has 29.2 dB here, and the network 30.6 dB.
# * **Skipped rows**: the RIM, by 1.1 dB. The spline needs no network, and keeps the
#   noise.
# * **A shaken camera**: the RIM, by 1.5 dB. The Wiener filter leaves grain.
# * **Scattered samples**: the RIM, by 3.5 dB. Cubic interpolation goes through the
#   noise, too.
# * **Few photons**: the RIM, by 1.4 dB, and there is no strength to be chosen.
# * **A radio telescope**: the RIM, by 0.7 dB. Both fill gaps in the Fourier plane.
#
# In general: a classic that fits a problem exactly, as the Wiener filter fits a blur,
# is hard to beat by a network that never saw its family: `rim_3task`, which saw random
# projections only, was 1.4 dB below it here. Where noise and missing values come
# together, the RIM is the better guess. `restore(..., details=True)` tells
# the residual, the root mean square of $y - A x$ in units of $\sigma$: where it is far
# from 1, something does not fit.
