"""Python's ftplib: a tree both ways, resume both ways."""
import ftplib
import os
import ssl

env = os.environ


class Client(ftplib.FTP if env["CHANNEL"] == "plain" else ftplib.FTP_TLS):
    trust_server_pasv_ipv4_address = True

    def makepasv(self):
        if env["MODE"] != "EPSV":
            return super().makepasv()
        return ftplib.parse229(self.sendcmd("EPSV"), self.sock.getpeername())

    def sendport(self, host, port):
        if env["MODE"] != "EPRT":
            return super().sendport(host, port)
        return self.sendeprt(host, port)

    # FTP_TLS knows AUTH only: wrapped from the first byte, there is nothing to ask for.
    def connect_implicit(self, host, port):
        self.host, self.port = host, port
        self.sock = self.context.wrap_socket(ftplib.socket.create_connection((host, port), self.timeout))
        self.af = self.sock.family
        self.file = self.sock.makefile("r", encoding=self.encoding)
        self.welcome = self.getresp()


options = {} if env["CHANNEL"] == "plain" else {"context": ssl._create_unverified_context()}
ftp = Client(timeout=20, **options)
connect = ftp.connect_implicit if env["CHANNEL"] == "implicit" else ftp.connect
connect(env["HOST"], int(env["PORT"]))
ftp.login(env["USER"], env["PASSWORD"])
if env["CHANNEL"] != "plain":
    ftp.prot_p()
ftp.set_pasv(env["MODE"] in ("PASV", "EPSV"))

up, down = env["UP"], env["DOWN"]


def put_tree(folder, remote):
    assert ftp.mkd(remote) == remote
    for entry in os.scandir(folder):
        name = remote + "/" + entry.name
        if entry.is_dir():
            put_tree(entry.path, name)
        else:
            with open(entry.path, "rb") as file:
                ftp.storbinary("STOR " + name, file)


def get_tree(remote, folder):
    os.mkdir(folder)
    for name, facts in ftp.mlsd(remote, facts=["type", "size"]):
        path = os.path.join(folder, name)
        if facts["type"] == "dir":
            get_tree(remote + "/" + name, path)
        elif facts["type"] == "file":
            with open(path, "wb") as file:
                ftp.retrbinary("RETR " + remote + "/" + name, file.write)
            assert os.path.getsize(path) == int(facts["size"]), name


put_tree(up, "/tree")
get_tree("/tree", os.path.join(down, "tree"))
with open(env["FILE"], "rb") as file:
    file.seek(ftp.size("half-up.bin"))
    ftp.storbinary("STOR half-up.bin", file, rest=file.tell())
with open(os.path.join(down, "half-down.bin"), "ab") as file:
    ftp.retrbinary("RETR half-down.bin", file.write, rest=file.tell())
lines = []
ftp.retrlines("LIST", lines.append)
assert any(line.endswith(" half-up.bin") for line in lines), lines
ftp.quit()
