import threading

import pytest

from qiskit_qgen.simulator.cpu.threads import run_all


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("num_tasks", [0, 1, 2, 20])
def test_results_come_in_order(threads, num_tasks):
    assert run_all([lambda number=number: number**2 for number in range(num_tasks)], threads) == [
        number**2 for number in range(num_tasks)
    ]


def test_tasks_run_at_once_the_callers_thread_among_them():
    barrier = threading.Barrier(3, timeout=10)

    def meet():
        barrier.wait()
        return threading.get_ident()

    idents = run_all([meet] * 3, 3)
    assert len(set(idents)) == 3
    assert threading.get_ident() in idents


@pytest.mark.parametrize("threads", [1, 3])
def test_an_error_of_a_task_is_raised_and_the_pool_goes_on_working(threads):
    def fail():
        raise ArithmeticError("task")

    for position in range(4):
        tasks = [lambda: 1] * 4
        tasks[position] = fail
        with pytest.raises(ArithmeticError, match="task"):
            run_all(tasks, threads)
        assert run_all([lambda: 1] * 4, threads) == [1] * 4


def test_a_task_may_run_tasks():
    def outer():
        return sum(run_all([lambda: 1] * 4, 2))

    assert run_all([outer] * 6, 2) == [4] * 6
