//! An application as it is served: routes to components that are ready to run.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::Instant;

use wasmtime::Engine;
use wasmtime::component::{InstancePre, Linker};
use wasmtime_wasi_http::handler::{ProxyHandler, ProxyPre};
use wasmtime_wasi_http::{p2, p3};

use crate::compile::{Compiler, Fingerprint, fingerprint};
use crate::engine;
use crate::error::{Error, ErrorKind};
use crate::host::Grants;
use crate::instance::{Instances, Limits, State};
use crate::kv::{Kv, View};
use crate::manifest::{self, Manifest, Route};
use crate::options::Options;
use crate::outbound::{AllowedHosts, Away, Client, Network, Outbound};
use crate::route::{Pattern, Router};
use crate::variables::Variables;

/// One version of the application. Requests hold on to the version that they began with.
pub(crate) struct App {
    pub(crate) router: Router<Arc<Target>>,
    /// The manifest and each component's wasm.
    pub(crate) made_from: BTreeMap<String, Fingerprint>,
}

/// A component behind a route.
pub(crate) struct Target {
    pub(crate) component: Arc<str>,
    /// For each edge one for each thread, by their numbers.
    pub(crate) handlers: Vec<Vec<ProxyHandler<Instances>>>,
}

/// What the instances of one edge have for themselves.
struct Edge {
    /// Where it listens.
    own: SocketAddr,
    kv: View,
    /// One for each thread.
    clients: Vec<Client>,
}

/// Makes applications from manifests.
pub(crate) struct Loader {
    linker: Linker<State>,
    compiler: Compiler,
    edges: Vec<Edge>,
    network: Network,
    options: Options,
    stopping: Arc<AtomicBool>,
}

impl Edge {
    fn new(own: SocketAddr, kv: View, options: &Options) -> Result<Edge, Error> {
        let clients = (0..options.threads.max(1)).map(|_| Client::new(options.request_timeout));
        let clients = clients.collect::<Result<_, _>>();
        let clients = clients.map_err(|error| Error::new(ErrorKind::Host, format!("TLS: {error}")))?;
        Ok(Edge { own, kv, clients })
    }
}

impl Loader {
    /// The edges listen at these addresses.
    pub(crate) fn new(
        options: Options,
        engine: Engine,
        kv: &Arc<Kv>,
        compiled: PathBuf,
        addresses: &[SocketAddr],
    ) -> Result<Loader, Error> {
        let edges = addresses.iter().enumerate();
        let edges = edges.map(|(number, own)| Edge::new(*own, kv.view(number), &options)).collect::<Result<_, _>>()?;
        let away = options.away_file.clone().map(|file| Arc::new(Away::new(file, Instant::now())));
        let network = Network::new(options.rtt, options.drop_share, away);
        let (linker, compiler) = (engine::linker(&engine)?, Compiler::new(engine, compiled));
        Ok(Loader { linker, compiler, edges, network, options, stopping: Arc::default() })
    }

    /// To be set when the emulator stops.
    pub(crate) fn stopping(&self) -> Arc<AtomicBool> {
        self.stopping.clone()
    }

    /// Reads spin.toml as it is now.
    pub(crate) fn read_manifest(&self) -> Result<Manifest, Error> {
        Manifest::read(&self.options.manifest)
    }

    /// Loads every component of the manifest, several at a time.
    pub(crate) fn load(&self, manifest: &Manifest) -> Result<App, Error> {
        let variables = Variables::resolve(manifest, &self.options.variables, |name| std::env::var(name).ok())?;
        let loaded: Vec<_> = thread::scope(|scope| {
            let variables = &variables;
            let components = manifest.component.iter();
            let threads: Vec<_> = components
                .map(|(name, component)| scope.spawn(move || self.load_component(name, component, variables)))
                .collect();
            threads
                .into_iter()
                .map(|thread| thread.join().expect("loading a component does not panic"))
                .collect::<Result<_, Error>>()
        })?;
        let made_from = loaded.iter().map(|(target, fingerprint)| (target.component.to_string(), *fingerprint));
        let made_from = made_from.chain([(String::new(), manifest.fingerprint)]).collect();
        let targets: BTreeMap<_, _> = loaded.iter().map(|(target, _)| (&*target.component, target)).collect();
        let routes = manifest.http_triggers().iter().filter_map(|trigger| match &trigger.route {
            Route::Pattern(route) => {
                Some(Pattern::parse(route).map(|pattern| (pattern, targets[&*trigger.component].clone())))
            }
            Route::Private { .. } => None,
        });
        Ok(App { router: Router::new(routes.collect::<Result<Vec<_>, Error>>()?), made_from })
    }

    fn load_component(
        &self,
        name: &str,
        component: &manifest::Component,
        variables: &Variables,
    ) -> Result<(Arc<Target>, Fingerprint), Error> {
        let wasm = read(name, &self.folder().join(&component.source), component)?;
        let refuse =
            |error: wasmtime::Error| Error::new(ErrorKind::Component, format!("component `{name}`: {error:#}"));
        let pre =
            self.compiler.compile(&wasm).and_then(|compiled| self.linker.instantiate_pre(&compiled)).map_err(refuse)?;
        let name: Arc<str> = name.into();
        let allowed = Arc::new(self.allowed(&name, component, variables)?);
        let handlers = |edge: &Edge| {
            let grants = self.grants(&name, component, variables, &edge.kv)?;
            let instances = |client: &Client| {
                Ok(ProxyHandler::new(Instances {
                    component: name.clone(),
                    pre: proxy(pre.clone()).map_err(refuse)?,
                    grants: grants.clone(),
                    outbound: self.outbound(&name, &allowed, edge.own, client),
                    environment: component.environment.clone().into_iter().collect(),
                    limits: self.limits(),
                    stopping: self.stopping.clone(),
                }))
            };
            edge.clients.iter().map(instances).collect()
        };
        let handlers = self.edges.iter().map(handlers).collect::<Result<_, Error>>()?;
        Ok((Arc::new(Target { component: name.clone(), handlers }), fingerprint(&wasm)))
    }

    fn grants(
        &self,
        name: &Arc<str>,
        component: &manifest::Component,
        variables: &Variables,
        kv: &View,
    ) -> Result<Arc<Grants>, Error> {
        Ok(Arc::new(Grants {
            component: name.clone(),
            stores: component.key_value_stores.iter().cloned().collect(),
            variables: variables.of(component)?,
            kv: kv.clone(),
        }))
    }

    fn allowed(
        &self,
        name: &str,
        component: &manifest::Component,
        variables: &Variables,
    ) -> Result<AllowedHosts, Error> {
        let allowed = component
            .allowed_outbound_hosts
            .iter()
            .map(|entry| variables.fill(entry))
            .collect::<Result<Vec<_>, _>>()?;
        AllowedHosts::parse(allowed.iter().map(String::as_str))
            .map_err(|error| Error::new(error.kind(), format!("component `{name}`: {error}")))
    }

    fn outbound(
        &self,
        name: &Arc<str>,
        allowed: &Arc<AllowedHosts>,
        own: SocketAddr,
        client: &Client,
    ) -> Arc<Outbound> {
        Arc::new(Outbound {
            component: name.clone(),
            allowed: allowed.clone(),
            client: client.clone(),
            own,
            network: self.network.clone(),
        })
    }

    fn limits(&self) -> Limits {
        Limits {
            memory_bytes_max: self.options.memory_bytes_max,
            request_timeout: self.options.request_timeout,
            cpu_time_max: self.options.cpu_time_max,
            requests_max: self.options.instance_requests_max,
            concurrency_max: self.options.instance_concurrency_max,
            idle_timeout: self.options.instance_idle_timeout,
        }
    }

    /// Where spin.toml is.
    pub(crate) fn manifest_path(&self) -> &Path {
        &self.options.manifest
    }

    /// The manifest's folder, which its paths are relative to.
    pub(crate) fn folder(&self) -> &Path {
        // A bare file name has the empty path for a parent, which is no folder that could be watched.
        let parent = self.options.manifest.parent().filter(|parent| !parent.as_os_str().is_empty());
        parent.unwrap_or(Path::new("."))
    }
}

fn read(name: &str, source: &Path, component: &manifest::Component) -> Result<Vec<u8>, Error> {
    std::fs::read(source).map_err(|error| {
        let build = component.build.as_ref().map(|build| build.command.iter().collect::<Vec<_>>().join(" && "));
        let advice = build.map(|command| format!("; build it with `{command}`")).unwrap_or_default();
        Error::new(
            ErrorKind::Component,
            format!("component `{name}`: cannot read `{}`: {error}{advice}", source.display()),
        )
    })
}

/// WASI HTTP 0.3 if the component has it, and otherwise 0.2.
fn proxy(pre: InstancePre<State>) -> wasmtime::Result<ProxyPre<State>> {
    let service = match p3::bindings::ServicePre::new(pre.clone()) {
        Ok(service) => return Ok(ProxyPre::P3(service)),
        Err(error) => error,
    };
    let proxy = p2::bindings::ProxyPre::new(pre).map(ProxyPre::P2);
    proxy.map_err(|proxy| wasmtime::format_err!("it handles no HTTP requests: {service:#}; {proxy:#}"))
}
