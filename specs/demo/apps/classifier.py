"""Trains a classifier of handwritten digits and scores it on digits it has not seen."""

import json
import sys

import numpy
import sklearn
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

GOOD_ENOUGH = 0.93


def main() -> int:
    images, digits = load_digits(return_X_y=True)
    train_images, test_images, train_digits, test_digits = train_test_split(
        images, digits, test_size=0.25, random_state=0, stratify=digits
    )
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=500))
    model.fit(train_images, train_digits)
    accuracy = float(numpy.mean(model.predict(test_images) == test_digits))
    report = {
        "app": "classifier",
        "accuracy": round(accuracy, 4),
        "trained_on": len(train_images),
        "tested_on": len(test_images),
        "numpy": {"version": numpy.__version__, "file": numpy.__file__},
        "scikit-learn": {"version": sklearn.__version__, "file": sklearn.__file__},
        "python": sys.version.split()[0],
        "prefix": sys.prefix,
    }
    print(json.dumps(report, indent=2))
    return 0 if accuracy >= GOOD_ENOUGH else 1


if __name__ == "__main__":
    sys.exit(main())
