FROM python:3.13-slim

RUN pip install --no-cache-dir "mailfailover[chaos]" && useradd --create-home chaos

USER chaos
EXPOSE 9000 9025

ENTRYPOINT ["mailfailover", "chaos", "--anywhere", "--listen", "0.0.0.0:9000", "--smtp", "0.0.0.0:9025"]
