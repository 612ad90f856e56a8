// Node's basic-ftp: a tree both ways, resume both ways.
import { createRequire } from "node:module";
import { statSync } from "node:fs";

const { Client, enterPassiveModeIPv4, enterPassiveModeIPv6 } = createRequire(process.env.NODE_MODULES + "/")("basic-ftp");
const { HOST, PORT, USER, PASSWORD, CHANNEL, MODE, UP, DOWN, FILE } = process.env;

const client = new Client(20000);
client.prepareTransfer = MODE === "PASV" ? enterPassiveModeIPv4 : enterPassiveModeIPv6;
await client.access({
  host: HOST,
  port: Number(PORT),
  user: USER,
  password: PASSWORD,
  secure: { plain: false, explicit: true, implicit: "implicit" }[CHANNEL],
  secureOptions: { rejectUnauthorized: false },
});
await client.uploadFromDir(UP, "tree");
await client.cd("/");
await client.downloadToDir(DOWN + "/tree", "tree");
await client.appendFrom(FILE, "half-up.bin", { localStart: await client.size("half-up.bin") });
const half = DOWN + "/half-down.bin";
await client.downloadTo(half, "half-down.bin", statSync(half).size);
client.close();
