"""A phase small enough to be reckoned by hand: fits a line to noisy data."""

import torch
from torch import nn
from torch.nn import functional as F

from qiskit_qgen.training import AbstractPhase, ExponentialMovingAverage


class LinePhase(AbstractPhase):
    def __init__(self, name="line", *, num_steps=10, seed=0, module=None, poison=None, lr_schedule="linear"):
        self.module = module or nn.Linear(2, 1)
        if module is None:
            with torch.no_grad():
                self.module.weight.copy_(torch.tensor([[0.5, -0.5]]))
                self.module.bias.zero_()
        super().__init__(
            name,
            num_steps=num_steps,
            seed=seed,
            modules={"line": self.module},
            optimizers={"line": torch.optim.Adam(self.module.parameters(), lr=0.05)},
            averages={"line": ExponentialMovingAverage(self.module, 0.9)},
            lr_schedule=lr_schedule,
        )
        self.order = self.batch_order(20, 6)
        self.data = torch.linspace(-1, 1, 40).reshape(20, 2)
        self.poison = poison or (lambda *_: None)
        self.begun = 0

    def begin(self):
        self.begun += 1

    def train_step(self, step):
        x = self.data[self.order.batch(step)]
        noise = torch.randn(len(x), 1, generator=self.step_generator(step))
        loss = F.mse_loss(self.module(x), x.sum(1, keepdim=True) + 0.1 * noise)
        optimizer = self.optimizers["line"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        self.averages["line"].update(step)
        extra = self.poison(step, self.module)
        return {"loss": loss.detach() if extra is None else extra}

    def preview(self, num_images, seed):
        generator = torch.Generator().manual_seed(seed)
        return torch.rand(num_images, 1, 2, 2, generator=generator)
