"""The room over the network: HTTP, WebSocket, storage, invitations. It decides nothing that `interview` decides.

| question | module |
|---|---|
| how is it started, and what stands before every request? | `serve`, `app`, `guard`, `limits` |
| what can be asked over HTTP? over the WebSocket? | `routes`, `shapes`; `socket`, `messages` |
| what is a room, and which are there? | `room`, `rooms`, `connection`, `presence` |
| how do all edit one text, and a file on the disk with them? | `document`, `yjs`, `disk` |
| what is computed, where, and when? | `compute`, `injections`; `workers`; `results` |
| what is kept, and since when is it durable? | `store`, `migrations`, `writer` |
| what lets someone in? | `capabilities` |

docs/server.md describes the protocol, and what the default set-up trusts. Nothing here is imported before `toscale
serve` needs it.
"""
