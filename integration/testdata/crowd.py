"""Many ftplib clients at once, each from an address of its own.

crowd.py HOST PORT USER PASSWORD GET ADDRESS...

Each downloads the file GET and uploads it again under its own address. No
client moves a byte before all of them have their data connections open.
"""
import ftplib
import sys
import threading

host, port, user, password, get, *addresses = sys.argv[1:]
together = threading.Barrier(len(addresses), timeout=60)
failures = []


def download(ftp):
    with ftp.transfercmd("RETR " + get) as data:
        together.wait()
        content = b"".join(iter(lambda: data.recv(65536), b""))
    ftp.voidresp()
    return content


def upload(ftp, name, content):
    with ftp.transfercmd("STOR " + name) as data:
        together.wait()
        data.sendall(content)
    ftp.voidresp()


def client(address):
    try:
        ftp = ftplib.FTP(timeout=60, source_address=(address, 0))
        ftp.trust_server_pasv_ipv4_address = True
        ftp.connect(host, int(port))
        ftp.login(user, password)
        ftp.voidcmd("TYPE I")
        together.wait()
        upload(ftp, address, download(ftp))
        ftp.quit()
    except Exception as error:
        failures.append(f"{address}: {error!r}")
        together.abort()


threads = [threading.Thread(target=client, args=(a,)) for a in addresses]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
sys.exit("\n".join(failures) or 0)
