using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "main", worker = .writekey),
    # The target of forwardEvents listens on this machine.
    (name = "internet", network = (allow = ["private"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);

const writekey :Workerd.Worker = (
  modules = [(name = "worker", esModule = embed "out/worker.js")],
  bindings = [(name = "TARGET", fromEnvironment = "TARGET")],
  # Timers are numbers, and there is no node:os.
  compatibilityDate = "2025-05-05",
  compatibilityFlags = ["nodejs_compat"],
);
