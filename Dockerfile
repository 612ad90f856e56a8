# The image holds one static binary and has no shell. It starts as root only to
# become the user PUID of the group PGID, before it listens.
#
#   docker build -t natftpd .
#   docker run --network host -v natftpd:/data \
#     -e NATFTPD_USER=alice -e NATFTPD_PASSWORD=… natftpd
#
# With the host's network natftpd sees the home router and can ask it to open ports.
# packaging/docker has compose files, with and without.

FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
# The version comes from .git, unless that is of a worktree and elsewhere. The names of
# time zones are in the binary: there is no folder of them for $TZ.
RUN git rev-parse --quiet HEAD >/dev/null 2>&1 || export GOFLAGS=-buildvcs=false; \
    CGO_ENABLED=0 go build -trimpath -tags timetzdata -ldflags="-s -w" -o /out/natftpd ./cmd/natftpd \
 && mkdir -p /out/data

FROM scratch
COPY --from=build /out/natftpd /natftpd
# For hooks that call web servers.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
# A new volume takes the owner over from this folder.
COPY --from=build --chown=65532:65532 /out/data /data
WORKDIR /data
VOLUME /data
# Files are in /data/share unless NATFTPD_HOME or a natftpd.yaml in /data says
# otherwise; passwords' hashes and the TLS certificate are in /data/state. Whose they
# are say PUID and PGID; --user does as well, and then nothing begins as root.
ENV PUID=65532 PGID=65532 NATFTPD_STATE_DIR=/data/state
EXPOSE 2121 50000-50009
HEALTHCHECK --interval=30s --timeout=5s --start-period=5s CMD ["/natftpd", "healthcheck"]
ENTRYPOINT ["/natftpd"]
