"""Upload, LIST and download by Python's ftplib, which goes to the very address that 227 names.

client.py MODE HOST PORT USER PASSWORD PUT NAME GET
"""
import ftplib
import ssl
import sys

mode, host, port, user, password, put, name, get = sys.argv[1:]


class Client(ftplib.FTP_TLS if mode == "PASV+TLS" else ftplib.FTP):
    trust_server_pasv_ipv4_address = True

    def makepasv(self):
        if mode != "EPSV":
            return super().makepasv()
        return ftplib.parse229(self.sendcmd("EPSV"), self.sock.getpeername())

    def sendport(self, host, port):
        if mode != "EPRT":
            return super().sendport(host, port)
        return self.sendeprt(host, port)


options = {}
if mode == "PASV+TLS":
    options["context"] = ssl._create_unverified_context()
ftp = Client(timeout=20, **options)
ftp.set_debuglevel(1)
ftp.connect(host, int(port))
ftp.login(user, password)
if mode == "PASV+TLS":
    ftp.prot_p()
ftp.set_pasv(mode not in ("PORT", "EPRT"))
with open(put, "rb") as file:
    ftp.storbinary("STOR " + name, file)
ftp.retrlines("LIST")
with open(get, "wb") as file:
    ftp.retrbinary("RETR " + name, file.write)
ftp.quit()
