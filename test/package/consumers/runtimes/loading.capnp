using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [(name = "main", worker = .writekey)],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);

const writekey :Workerd.Worker = (
  modules = [(name = "worker", esModule = embed "out/loading-worker.js")],
  compatibilityDate = "2025-05-05",
  compatibilityFlags = ["nodejs_compat"],
);
