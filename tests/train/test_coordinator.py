"""Threads that stop together."""

import sys
import threading
import time

import pytest

import reflow as tf


def _thread(target):
    thread = threading.Thread(target=target, daemon=True)
    thread.start()
    return thread


def _failing_with(coordinator, error):
    def target():
        with coordinator.stop_on_exception():
            raise error

    return target


def test_one_stops_all():
    coordinator = tf.train.Coordinator()
    waiting = [_thread(coordinator.wait_for_stop) for _ in range(3)]
    assert not coordinator.should_stop() and not coordinator.wait_for_stop(0.01)
    coordinator.register_thread(_thread(coordinator.request_stop))
    coordinator.join(waiting)
    assert coordinator.should_stop() and coordinator.joined and not any(t.is_alive() for t in waiting)


def test_join_raises_the_first_error():
    coordinator = tf.train.Coordinator()
    threads = [_thread(_failing_with(coordinator, ValueError("first")))]
    threads[0].join()
    threads.append(_thread(_failing_with(coordinator, TypeError("second"))))
    with pytest.raises(ValueError, match="first") as caught:
        coordinator.join(threads)
    assert "target" in [entry.name for entry in caught.traceback]
    with pytest.raises(ValueError, match="first"):
        coordinator.raise_requested_exception()


@pytest.mark.parametrize(
    "types, error", [(None, tf.errors.OutOfRangeError(None, None, "end")), ((StopIteration,), StopIteration())]
)
def test_the_end_is_no_error(types, error):
    coordinator = tf.train.Coordinator(clean_stop_exception_types=types)
    coordinator.join([_thread(_failing_with(coordinator, error))])
    assert coordinator.should_stop()


def test_after_join_an_error_is_raised_at_once():
    coordinator = tf.train.Coordinator()
    coordinator.request_stop()
    coordinator.join()
    with pytest.raises(KeyError):
        _failing_with(coordinator, KeyError("late"))()
    coordinator.clear_stop()
    assert not coordinator.should_stop() and not coordinator.joined


def test_an_exception_that_is_not_being_handled():
    coordinator = tf.train.Coordinator()
    assert sys.exc_info() == (None, None, None)
    coordinator.request_stop(ValueError("loose"))
    with pytest.raises(ValueError, match="sys.exc_info must return the current exception"):
        coordinator.join()


def test_threads_that_do_not_stop():
    coordinator = tf.train.Coordinator()
    release = threading.Event()
    thread = threading.Thread(target=release.wait, name="stubborn", daemon=True)
    thread.start()
    coordinator.request_stop()
    with pytest.raises(RuntimeError, match="Coordinator stopped with threads still running: stubborn"):
        coordinator.join([thread], stop_grace_period_secs=0.05)
    coordinator.join([thread], stop_grace_period_secs=0.05, ignore_live_threads=True)
    release.set()


@pytest.mark.parametrize("seconds", [None, 0.01])
def test_a_looper_calls_again_and_again(seconds):
    coordinator = tf.train.Coordinator()
    calls = []

    def target(value, more):
        calls.append((value, more, time.monotonic()))
        if len(calls) == 4:
            coordinator.request_stop()

    thread = tf.train.LooperThread.loop(coordinator, seconds, target, args=[1], kwargs={"more": 2})
    coordinator.join()
    assert not thread.is_alive() and [call[:2] for call in calls] == [(1, 2)] * 4
    if seconds:
        assert calls[-1][-1] - calls[0][-1] >= 2 * seconds


def test_a_looper_reports_its_error_and_calls_its_methods():
    coordinator = tf.train.Coordinator()
    calls = []

    class Looper(tf.train.LooperThread):
        def start_loop(self):
            calls.append("start")

        def run_loop(self):
            calls.append("run")
            raise OSError("broken")

    Looper(coordinator, None).start()
    with pytest.raises(OSError, match="broken"):
        coordinator.join()
    assert calls == ["start", "run"]


def test_what_a_looper_does_not_take():
    with pytest.raises(ValueError, match="'coord' argument must be a Coordinator: 3"):
        tf.train.LooperThread(3, None)
    with pytest.raises(ValueError, match="require that you also pass 'target'"):
        tf.train.LooperThread(tf.train.Coordinator(), None, args=[1])
