"""A user's script against the local cloud: boto3 as it comes, told of it by AWS_ENDPOINT_URL alone."""

import json
import os
import time
from urllib.parse import urlparse

import boto3

account = "123456789012"
image = f"{account}.dkr.ecr.us-east-1.amazonaws.com/echo:1"
role = f"arn:aws:iam::{account}:role/execution"
sagemaker = boto3.client("sagemaker")
runtime = boto3.client("sagemaker-runtime")
s3 = boto3.client("s3")


def config(name, path):
    sagemaker.create_endpoint_config(
        EndpointConfigName=name,
        ProductionVariants=[
            {
                "VariantName": "AllTraffic",
                "ModelName": "model",
                "InstanceType": "ml.m5.xlarge",
                "InitialInstanceCount": 1,
            }
        ],
        AsyncInferenceConfig={"OutputConfig": {"S3OutputPath": path}},
    )


def wait(status="InService"):
    """boto3's own waiter asks every 30 s; this one every half."""
    sagemaker.get_waiter("endpoint_in_service").wait(
        EndpointName="endpoint", WaiterConfig={"Delay": 0.5, "MaxAttempts": 240}
    )


def invoke(body):
    s3.put_object(Bucket="boto3-bucket", Key="input", Body=body)
    accepted = runtime.invoke_endpoint_async(
        EndpointName="endpoint", InputLocation="s3://boto3-bucket/input", ContentType="text/plain"
    )
    place = urlparse(accepted["OutputLocation"])
    for _ in range(240):
        try:
            return place.path, s3.get_object(Bucket=place.netloc, Key=place.path[1:])["Body"].read()
        except s3.exceptions.NoSuchKey:
            time.sleep(0.25)
    raise TimeoutError(accepted["OutputLocation"])


s3.create_bucket(Bucket="boto3-bucket")
sagemaker.create_model(ModelName="model", ExecutionRoleArn=role, PrimaryContainer={"Image": image})
config("first", "s3://boto3-bucket/first/")
config("second", "s3://boto3-bucket/second/")
sagemaker.create_endpoint(EndpointName="endpoint", EndpointConfigName="first", Tags=[{"Key": "a", "Value": "b"}])
wait()
created = sagemaker.describe_endpoint(EndpointName="endpoint")
first = invoke(b"one")

sagemaker.update_endpoint(EndpointName="endpoint", EndpointConfigName="second")
wait()
updated = sagemaker.describe_endpoint(EndpointName="endpoint")
second = invoke(b"two")

tags = sagemaker.list_tags(ResourceArn=created["EndpointArn"])["Tags"]
sagemaker.delete_endpoint(EndpointName="endpoint")
sagemaker.get_waiter("endpoint_deleted").wait(EndpointName="endpoint", WaiterConfig={"Delay": 0.5, "MaxAttempts": 240})
try:
    sagemaker.describe_endpoint(EndpointName="endpoint")
    gone = "still there"
except sagemaker.exceptions.ClientError as error:
    gone = f"{error.response['Error']['Code']}: {error.response['Error']['Message']}"

print(
    json.dumps(
        {
            "boto3": boto3.__version__,
            "endpoint": os.environ["AWS_ENDPOINT_URL"],
            "configs": [created["EndpointConfigName"], updated["EndpointConfigName"]],
            "tags": tags,
            "paths": [first[0], second[0]],
            "answers": [first[1].decode(), second[1].decode()],
            "gone": gone,
        }
    )
)
