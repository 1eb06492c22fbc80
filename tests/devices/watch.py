"""Tells where tensors are made and read: what a step on one device does on another."""

import torch
from torch.optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class DeviceWatch(TorchDispatchMode):
    """Collects the operations that make or read a tensor on another device than ``device``.

    Allowed elsewhere are random draws from a generator and what is made of them alone, which are then moved; integers
    that say which rows are taken, moved likewise; and the step counts that torch's optimizers keep on the CPU.
    """

    def __init__(self, device):
        super().__init__()
        self.device = torch.device(device).type
        self.found = []
        self._drawn = {}  # by identity; held, so that no identity is used twice
        self._optimizes = False

    def __enter__(self):
        def mark(value):
            def hook(*_):
                self._optimizes = value

            return hook

        self._hooks = [
            register_optimizer_step_pre_hook(mark(True)),
            register_optimizer_step_post_hook(mark(False)),
        ]
        return super().__enter__()

    def __exit__(self, *error):
        for hook in self._hooks:
            hook.remove()
        return super().__exit__(*error)

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        result = func(*args, **kwargs)
        leaves = tree_leaves((args, kwargs))
        read = [each for each in leaves if isinstance(each, torch.Tensor)]
        made = [each for each in tree_leaves(result) if isinstance(each, torch.Tensor)]
        foreign = [each for each in read if not self._is_home(each)]
        if any(isinstance(each, torch.Generator) for each in leaves) or (foreign and self._all_drawn(foreign)):
            self._drawn.update({id(each): each for each in made if not self._is_home(each)})
            mixed = len(foreign) < len(read) and func is not torch.ops.aten.copy_.default
            if not mixed:
                return result
        if any(not self._is_home(each) and not self._is_allowed(each) for each in read + made):
            self.found.append(f"{func} of {[f'{each.device}:{tuple(each.shape)}' for each in read + made]}")
        return result

    def _is_home(self, tensor):
        return tensor.device.type == self.device

    def _all_drawn(self, tensors):
        return all(id(each) in self._drawn for each in tensors)

    def _is_allowed(self, tensor):
        is_index = not (tensor.is_floating_point() or tensor.is_complex())
        return is_index or (self._optimizes and tensor.dim() == 0)
