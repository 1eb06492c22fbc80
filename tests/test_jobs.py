import pickle
import threading

import pytest
import torch
from qiskit.primitives import PrimitiveJob
from qiskit.providers import JobError, JobStatus

from qiskit_qgen._jobs import FinishedJob


def double(number, *, plus=0):
    return 2 * number + plus


def test_a_job_is_finished_when_it_is_made():
    seen = []
    job = FinishedJob(lambda: seen.append(threading.current_thread()) or "done")
    assert seen == [threading.current_thread()]
    assert isinstance(job, PrimitiveJob)
    assert job.status() is JobStatus.DONE
    assert (job.done(), job.in_final_state(), job.running(), job.cancelled()) == (True, True, False, False)
    assert job.result() == "done"
    assert len(seen) == 1
    assert not job.cancel()
    assert job.done()


def test_arguments_and_numbers():
    first, second = FinishedJob(double, 3), FinishedJob(double, 3, plus=1)
    assert (first.result(), second.result()) == (6, 7)
    assert first.job_id() != second.job_id()


def test_what_the_work_raises_comes_out_of_the_result():
    job = FinishedJob(lambda: 1 / 0)
    assert job.status() is JobStatus.ERROR
    assert not job.done()
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            job.result()


def test_gradients_are_enabled_in_the_work_alone():
    with torch.no_grad():
        assert FinishedJob(torch.is_grad_enabled).result()
        assert not torch.is_grad_enabled()
        FinishedJob(lambda: 1 / 0)
        assert not torch.is_grad_enabled()


def test_a_job_pickles_and_is_not_submitted_again():
    job = FinishedJob(double, 4)
    assert pickle.loads(pickle.dumps(job)).result() == 8  # noqa: S301
    with pytest.raises(JobError, match="submitted already"):
        job._submit()
