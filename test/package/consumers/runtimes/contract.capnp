using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "main", worker = .writekey),
    (name = "internet", network = (allow = ["private"])),
  ],
  sockets = [
    (name = "run", address = "127.0.0.1:0", http = (), service = (name = "main", props = (json = "{}"))),
    # The test writes one socket for each server here.
  ],
);

const writekey :Workerd.Worker = (
  modules = [(name = "worker", esModule = embed "out/contract-worker.js")],
  compatibilityDate = "2025-05-05",
  compatibilityFlags = ["nodejs_compat", "enable_nodejs_process_v2"],
);
