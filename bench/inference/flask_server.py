"""A SageMaker container as most are written: Flask behind gunicorn, /ping and /invocations."""

from flask import Flask, jsonify, request

from pipelines import pipeline

app = Flask(__name__)
model = pipeline()


@app.get("/ping")
def ping():
    return "", 200


@app.post("/invocations")
def invocations():
    return jsonify(model.encode(model.run(model.decode(request.get_json()))))
