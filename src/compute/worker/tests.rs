//! The worker's promises, against the clock.

use std::sync::atomic::AtomicUsize;

use super::*;
use crate::compute::{
    DevicePolicy,
    testing::{gpu_compute, headless_handles, lose},
};

/// Far more than any of these jobs takes on a loaded machine, so that a hang fails the test
/// instead of the run.
const PATIENCE: Duration = Duration::from_secs(20);

fn worker(capacity: usize) -> Worker {
    Worker::spawn("test compute", capacity).expect("the system grants a thread")
}

fn next(worker: &Worker) -> WorkerEvent {
    worker
        .events()
        .recv_timeout(PATIENCE)
        .expect("an event comes")
}

/// Skips to the event that ends a job.
fn ending(worker: &Worker) -> WorkerEvent {
    loop {
        let event = next(worker);
        if !matches!(event, WorkerEvent::Started { .. }) {
            return event;
        }
    }
}

/// A job that runs until it is cancelled, and tells when it has begun.
fn until_cancelled() -> (impl FnOnce(&Progress) + Send + 'static, Receiver<()>) {
    let (begun_in, begun) = bounded(1);
    let job = move |progress: &Progress| {
        begun_in.send(()).expect("the test listens");
        while progress.check().is_ok() {
            std::thread::sleep(Duration::from_millis(5));
        }
    };
    (job, begun)
}

#[test]
fn jobs_run_in_order_on_one_named_thread() {
    let worker = worker(8);
    let (seen_in, seen) = bounded(8);
    let mut ids = Vec::new();
    for number in 0..5 {
        let seen_in = seen_in.clone();
        let job = move |_: &Progress| {
            let name = std::thread::current().name().map(str::to_owned);
            seen_in.send((number, name)).expect("the test listens");
        };
        ids.push(
            worker
                .submit(format!("job {number}"), job)
                .expect("there is room"),
        );
    }
    for (number, id) in ids.iter().enumerate() {
        let (ran, name) = seen.recv_timeout(PATIENCE).expect("the job ran");
        assert_eq!((ran, name.as_deref()), (number, Some("test compute")));
        assert!(
            matches!(next(&worker), WorkerEvent::Started { id: started, .. } if started == *id)
        );
        assert!(matches!(next(&worker), WorkerEvent::Finished { id: ended, .. } if ended == *id));
    }
    assert!(worker.is_idle());
    assert_eq!(worker.status(), None);
}

#[test]
fn cancel_answers_within_a_second_and_skips_waiting_jobs() {
    let worker = worker(2);
    let (job, begun) = until_cancelled();
    let running = worker.submit("running", job).expect("there is room");
    begun.recv_timeout(PATIENCE).expect("it begins");
    let waiting = worker
        .submit("waiting", |_| panic!("a cancelled job must not begin"))
        .expect("there is room");
    worker.cancel(waiting);
    worker.cancel(waiting);
    let asked = Instant::now();
    worker.cancel(running);
    assert!(matches!(ending(&worker), WorkerEvent::Cancelled { id, .. } if id == running));
    // The promise.
    assert!(asked.elapsed() < Duration::from_secs(1));
    assert!(matches!(ending(&worker), WorkerEvent::Cancelled { id, .. } if id == waiting));
}

#[test]
fn a_panic_is_told_and_survived() {
    let worker = worker(4);
    worker
        .submit("bad", |_| panic!("layer {} is missing", 4))
        .expect("there is room");
    let WorkerEvent::Panicked { title, message, .. } = ending(&worker) else {
        panic!("the panic is an event");
    };
    assert_eq!(
        (title.as_str(), message.as_str()),
        ("bad", "layer 4 is missing")
    );
    worker.submit("good", |_| ()).expect("there is room");
    assert!(matches!(ending(&worker), WorkerEvent::Finished { title, .. } if title == "good"));
}

#[test]
fn a_full_queue_refuses_and_keeps_the_rest() {
    let worker = worker(1);
    let (job, begun) = until_cancelled();
    let running = worker.submit("running", job).expect("there is room");
    begun.recv_timeout(PATIENCE).expect("it begins");
    worker.submit("waiting", |_| ()).expect("one may wait");
    let refused = worker.submit("refused", |_| ()).expect_err("one is enough");
    assert_eq!(refused.title, "refused");
    assert_eq!(worker.status().map(|status| status.queued), Some(1));
    worker.cancel(running);
    assert!(matches!(ending(&worker), WorkerEvent::Cancelled { .. }));
    assert!(matches!(ending(&worker), WorkerEvent::Finished { title, .. } if title == "waiting"));
}

#[test]
fn status_and_wake_follow_progress() {
    let wakes = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&wakes);
    let worker = Worker::spawn_with_wake("test compute", 1, move || {
        counter.fetch_add(1, Ordering::Relaxed);
    })
    .expect("the system grants a thread");
    let (reported_in, reported) = bounded(1);
    let (go_in, go) = bounded::<()>(1);
    let job = move |progress: &Progress| {
        for done in 0..1000 {
            progress.report("measuring", done, Some(2000));
        }
        reported_in.send(()).expect("the test listens");
        go.recv_timeout(PATIENCE).expect("the test lets it go");
    };
    let id = worker.submit("uniformity", job).expect("there is room");
    reported.recv_timeout(PATIENCE).expect("it reports");
    let status = worker.status().expect("it runs");
    assert_eq!((status.id, status.title.as_str()), (id, "uniformity"));
    assert_eq!(
        (status.stage, status.done, status.total),
        ("measuring", 999, Some(2000))
    );
    assert!(!status.is_cancelling);
    go_in.send(()).expect("the job listens");
    assert!(matches!(ending(&worker), WorkerEvent::Finished { .. }));
    // Two events and at least one report; a thousand reports in a moment wake far less often.
    let wakes = wakes.load(Ordering::Relaxed);
    assert!((3..500).contains(&wakes), "{wakes} wake-ups");
}

#[test]
fn dropping_ends_the_thread_within_a_second() {
    let worker = worker(4);
    let (job, begun) = until_cancelled();
    worker.submit("running", job).expect("there is room");
    worker
        .submit("waiting", |_| panic!("must not begin"))
        .expect("there is room");
    begun.recv_timeout(PATIENCE).expect("it begins");
    let events = worker.events().clone();
    let dropped = Instant::now();
    drop(worker);
    // The brief's promise; the job looks at its flag every 5 ms.
    assert!(dropped.elapsed() < Duration::from_secs(1));
    let ended: Vec<_> = events.try_iter().collect();
    let cancelled = ended
        .iter()
        .filter(|event| matches!(event, WorkerEvent::Cancelled { .. }));
    assert_eq!(cancelled.count(), 2, "{ended:?}");
}

#[test]
fn unread_events_give_way_to_new_ones() {
    let worker = worker(1);
    for number in 0..EVENT_CAPACITY {
        while worker.submit(format!("{number}"), |_| ()).is_err() {
            std::thread::yield_now();
        }
    }
    while !worker.is_idle() {
        std::thread::yield_now();
    }
    // A worker that is gone has sent its last event.
    let events = worker.events().clone();
    drop(worker);
    let kept: Vec<_> = events.try_iter().collect();
    assert_eq!(kept.len(), EVENT_CAPACITY);
    let last = format!("{}", EVENT_CAPACITY - 1);
    assert!(matches!(kept.last(), Some(WorkerEvent::Finished { title, .. }) if *title == last));
}

#[test]
fn a_lost_device_becomes_one_event() {
    let Some(handles) = headless_handles() else {
        return;
    };
    let gpu = handles.device.clone();
    let compute = Compute::from_window(DevicePolicy::Gpu, handles).expect("it registers");
    let worker = worker(4);
    worker.watch(&compute);
    worker.submit("before", |_| ()).expect("there is room");
    assert!(matches!(ending(&worker), WorkerEvent::Finished { .. }));
    lose(&gpu);
    for title in ["after", "later"] {
        worker.submit(title, |_| ()).expect("there is room");
    }
    assert!(matches!(ending(&worker), WorkerEvent::Finished { title, .. } if title == "after"));
    assert!(matches!(ending(&worker), WorkerEvent::DeviceLost { .. }));
    assert!(matches!(ending(&worker), WorkerEvent::Finished { title, .. } if title == "later"));
}

#[test]
fn tensors_are_computed_on_the_worker() {
    let Some(compute) = gpu_compute() else { return };
    let worker = worker(1);
    worker.watch(compute);
    let (result_in, result) = bounded(1);
    let job = {
        let compute = compute.clone();
        move |_: &Progress| {
            let tensor = compute
                .device_tensor(vec![1.0, 2.0], [1, 2])
                .expect("2 = 1·2")
                + 1.0;
            result_in
                .send(crate::compute::read_tensor(tensor))
                .expect("the test listens");
        }
    };
    worker.submit("adding", job).expect("there is room");
    let values = result
        .recv_timeout(PATIENCE)
        .expect("it computes")
        .expect("it reads");
    assert_eq!(values, [2.0, 3.0]);
    assert!(matches!(ending(&worker), WorkerEvent::Finished { .. }));
}

#[test]
fn jobs_of_two_workers_have_different_numbers() {
    let workers = [worker(4), worker(4)];
    let ids: Vec<JobId> = (0..6)
        .map(|index| workers[index % 2].submit("", |_| {}).unwrap())
        .collect();
    let distinct: std::collections::HashSet<&JobId> = ids.iter().collect();
    assert_eq!(distinct.len(), 6);
}
