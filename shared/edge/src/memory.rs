//! `Edge` in a test: everything is in memory, and time passes only when somebody sleeps.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::rc::{Rc, Weak};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;

use crate::{
    FetchError, KvEntry, KvError, KvPut, Request, Response,
    instance::Instance,
    kv::{check_key, open, seal},
};

thread_local! {
    static TIMERS: RefCell<Vec<Weak<Timer>>> = RefCell::default();
}

/// Somebody's sleep; it ends with its sleeper.
struct Timer {
    state: Rc<State>,
    until: Duration,
}

impl Timer {
    fn is_due(&self) -> bool {
        self.state.now.get() >= self.until
    }
}

/// Runs a future to its end. Whenever it waits, the clock moves to the nearest moment that somebody sleeps for; it must
/// not wait for anything outside of this module.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(value) => return value,
            Poll::Pending => advance(),
        }
    }
}

fn advance() {
    let nearest = TIMERS.with_borrow_mut(|timers| {
        timers.retain(|timer| timer.strong_count() > 0);
        let waiting = timers.iter().filter_map(Weak::upgrade).filter(|timer| !timer.is_due());
        waiting.min_by_key(|timer| timer.until)
    });
    if let Some(timer) = nearest {
        timer.state.now.set(timer.until);
    }
}

/// What a test's upstream answers to a request.
pub enum Answer {
    /// This, at once.
    Response(Response),
    /// This, after so long.
    Late(Duration, Response),
    /// Nothing.
    Failure(FetchError),
}

type Upstream = Rc<dyn Fn(Request) -> Answer>;
type Work = Pin<Box<dyn Future<Output = ()>>>;

/// What a function may reach.
#[derive(Clone)]
pub struct Edge(Rc<State>, ClientAddress);

/// Of one request, as nothing else here.
type ClientAddress = Option<Rc<str>>;

struct State {
    kv: RefCell<HashMap<String, Bytes>>,
    variables: RefCell<HashMap<String, String>>,
    upstream: RefCell<Upstream>,
    now: Cell<Duration>,
    random: RefCell<fastrand::Rng>,
    after_response: RefCell<Vec<Work>>,
    instance: Instance,
    log: RefCell<Vec<String>>,
}

impl Default for Edge {
    fn default() -> Edge {
        let state = Rc::new(State {
            kv: RefCell::default(),
            variables: RefCell::default(),
            upstream: RefCell::new(Rc::new(|_| Answer::Failure(FetchError::Unreachable("no upstream is set".into())))),
            now: Cell::new(Duration::from_secs(1_700_000_000)),
            random: RefCell::new(fastrand::Rng::with_seed(7)),
            after_response: RefCell::default(),
            instance: Instance::default(),
            log: RefCell::default(),
        });
        Edge(state, None)
    }
}

impl Edge {
    /// An edge with nothing in it.
    pub fn new() -> Edge {
        Edge::default()
    }

    /// Sets a variable.
    pub fn with_variable(self, name: &str, value: &str) -> Edge {
        self.0.variables.borrow_mut().insert(name.into(), value.into());
        self
    }

    /// Sets who answers [`Edge::fetch`].
    pub fn with_upstream(self, upstream: impl Fn(Request) -> Answer + 'static) -> Edge {
        *self.0.upstream.borrow_mut() = Rc::new(upstream);
        self
    }

    /// The same, with requests from this address.
    pub fn with_client_address(self, address: &str) -> Edge {
        Edge(self.0, Some(address.into()))
    }

    /// Does the work that was left for after the response.
    pub async fn settle(&self) {
        loop {
            let work = std::mem::take(&mut *self.0.after_response.borrow_mut());
            if work.is_empty() {
                return;
            }
            for task in work {
                task.await;
            }
        }
    }

    /// Ends the instance: what [`Edge::instance_put`] stored is gone, and what KV has is not.
    pub fn drop_instance(&self) {
        self.0.instance.clear();
    }

    /// The lines that were logged.
    pub fn logged(&self) -> Vec<String> {
        self.0.log.borrow().clone()
    }

    /// Reads a value. An expired one is absent.
    pub async fn kv_get(&self, key: &str) -> Result<Option<KvEntry>, KvError> {
        check_key(key)?;
        let envelope = self.kv_in_time(async { Ok(self.0.kv.borrow().get(key).cloned()) }).await?;
        Ok(envelope.and_then(|bytes| open(bytes, self.now())))
    }

    /// Stores a value, in place of any other under this key.
    pub async fn kv_put(&self, key: &str, value: &[u8], put: KvPut) -> Result<(), KvError> {
        check_key(key)?;
        let envelope = seal(value, &put, self.now())?;
        self.0.kv.borrow_mut().insert(key.into(), envelope.into());
        Ok(())
    }

    /// Removes a value; no error where there is none.
    pub async fn kv_delete(&self, key: &str) -> Result<(), KvError> {
        check_key(key)?;
        self.0.kv.borrow_mut().remove(key);
        Ok(())
    }

    /// Sends a request to the test's upstream and waits until the response is there.
    pub async fn fetch(&self, request: Request) -> Result<Response, FetchError> {
        let upstream = self.0.upstream.borrow().clone();
        match upstream(request) {
            Answer::Response(response) => Ok(response),
            Answer::Late(delay, response) => {
                self.sleep(delay).await;
                Ok(response)
            }
            Answer::Failure(error) => Err(error),
        }
    }

    /// The address that the request came from; `None` where the test has not set it.
    pub fn client_address(&self) -> Option<&str> {
        self.1.as_deref()
    }

    /// Time since the Unix epoch.
    pub fn now(&self) -> Duration {
        self.0.now.get()
    }

    /// Time since some moment; never goes back.
    pub fn monotonic(&self) -> Duration {
        self.now()
    }

    /// Waits until [`block_on`] has moved the clock that far.
    pub async fn sleep(&self, duration: Duration) {
        let timer = Rc::new(Timer { state: self.0.clone(), until: self.now() + duration });
        TIMERS.with_borrow_mut(|timers| timers.push(Rc::downgrade(&timer)));
        poll_fn(|_| if timer.is_due() { Poll::Ready(()) } else { Poll::Pending }).await;
    }

    /// Fills `buffer` with bytes that are the same in every run.
    pub fn random(&self, buffer: &mut [u8]) {
        self.0.random.borrow_mut().fill(buffer);
    }

    /// A variable; `None` where it is not set, or is empty.
    pub async fn variable(&self, name: &str) -> Option<String> {
        self.0.variables.borrow().get(name).filter(|value| !value.is_empty()).cloned()
    }

    /// Keeps `work` for [`Edge::settle`].
    pub fn after_response(&self, work: impl Future<Output = ()> + 'static) {
        self.0.after_response.borrow_mut().push(Box::pin(work));
    }

    /// What [`Edge::instance_put`] stored in this edge.
    pub fn instance_get<T: 'static>(&self) -> Option<Rc<T>> {
        self.0.instance.get()
    }

    /// Keeps one value of this type for later requests. Nothing of a request may be in it.
    pub fn instance_put<T: 'static>(&self, value: T) -> Rc<T> {
        self.0.instance.put(value)
    }

    /// Keeps a line for [`Edge::logged`].
    pub fn log(&self, line: &str) {
        self.0.log.borrow_mut().push(line.into());
    }
}
