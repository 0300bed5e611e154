"""Small networks of PyTorch with random weights, of the kinds that people export."""
import torch
from torch import nn
from torch.nn import functional


class Residual(nn.Module):
    """torchvision's basic block."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        short = x if self.downsample is None else self.downsample(x)
        x = torch.relu(self.bn1(self.conv1(x)))
        return torch.relu(self.bn2(self.conv2(x)) + short)


class ResNet18(nn.Module):
    """torchvision's ResNet-18, 16 times narrower."""

    def __init__(self, width=4, classes=10):
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        self.layer1 = self.stage(width, width, 1)
        self.layer2 = self.stage(width, 2 * width, 2)
        self.layer3 = self.stage(2 * width, 4 * width, 2)
        self.layer4 = self.stage(4 * width, 8 * width, 2)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(8 * width, classes)

    def stage(self, inputs, outputs, stride):
        return nn.Sequential(Residual(inputs, outputs, stride), Residual(outputs, outputs, 1))

    def forward(self, image):
        x = self.maxpool(torch.relu(self.bn1(self.conv1(image))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(torch.flatten(self.avgpool(x), 1))


def encoder(width, depth):
    layer = nn.TransformerEncoderLayer(width, 4, 4 * width, 0.0, "gelu", batch_first=True, norm_first=True)
    return nn.TransformerEncoder(layer, depth, enable_nested_tensor=False)


class Vit(nn.Module):
    """A vision transformer for pictures of 32 x 32 pixels, in patches of 8 x 8, with a class token."""

    def __init__(self, width=16, depth=2, classes=10):
        super().__init__()
        self.conv_proj = nn.Conv2d(3, width, 8, 8)
        self.class_token = nn.Parameter(torch.randn(1, 1, width))
        self.positions = nn.Parameter(torch.randn(1, 17, width))
        self.encoder = encoder(width, depth)
        self.ln = nn.LayerNorm(width)
        self.head = nn.Linear(width, classes)

    def forward(self, image):
        x = self.conv_proj(image).flatten(2).transpose(1, 2)
        x = torch.cat([self.class_token.expand(x.shape[0], -1, -1), x], 1) + self.positions
        return self.head(self.ln(self.encoder(x))[:, 0])


class SelfAttention(nn.Module):
    def __init__(self, width, heads=4):
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value, self.dense = (nn.Linear(width, width) for _ in range(4))

    def forward(self, x, mask):
        split = lambda y: y.unflatten(2, (self.heads, -1)).transpose(1, 2)
        query, key, value = split(self.query(x)), split(self.key(x)), split(self.value(x))
        scores = query @ key.transpose(2, 3) / query.shape[3] ** 0.5 + mask
        return self.dense((scores.softmax(3) @ value).transpose(1, 2).flatten(2))


class BertLayer(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.attention, self.norm1 = SelfAttention(width), nn.LayerNorm(width)
        self.wide, self.narrow = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.norm2 = nn.LayerNorm(width)

    def forward(self, x, mask):
        x = self.norm1(x + self.attention(x, mask))
        return self.norm2(x + self.narrow(functional.gelu(self.wide(x))))


class Bert(nn.Module):
    """A text classifier in the manner of BERT, with padding masked."""

    def __init__(self, vocabulary=100, width=16, depth=2, longest=16, classes=3):
        super().__init__()
        self.word_embeddings = nn.Embedding(vocabulary, width)
        self.position_embeddings = nn.Embedding(longest, width)
        self.norm = nn.LayerNorm(width)
        self.layers = nn.ModuleList(BertLayer(width) for _ in range(depth))
        self.pooler, self.classifier = nn.Linear(width, width), nn.Linear(width, classes)

    def forward(self, input_ids, attention_mask):
        return self.after(self.word_embeddings(input_ids), attention_mask)

    def after(self, words, attention_mask):
        """Goes on from the vectors of the words."""
        positions = torch.arange(words.shape[1], device=words.device)
        x = self.norm(words + self.position_embeddings(positions))
        mask = (1 - attention_mask[:, None, None, :].to(x.dtype)) * -10000
        for layer in self.layers:
            x = layer(x, mask)
        return self.classifier(torch.tanh(self.pooler(x[:, 0])))


class Crnn(nn.Module):
    """Reads a line of text: convolutions, an LSTM in both directions, a GRU, scores for each column."""

    def __init__(self, width=8, classes=12):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(1, width, 3, padding=1), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = nn.Conv2d(width, 2 * width, 3, padding=1), nn.BatchNorm2d(2 * width)
        self.lstm = nn.LSTM(2 * width * 4, 12, bidirectional=True)
        self.gru = nn.GRU(24, 12)
        self.fc = nn.Linear(12, classes)

    def forward(self, line):
        x = functional.max_pool2d(functional.leaky_relu(self.bn1(self.conv1(line)), 0.1), 2)
        x = functional.max_pool2d(functional.hardswish(self.bn2(self.conv2(x))), (2, 1))
        # [rows, channels, height, columns] to [columns, rows, channels x height].
        x = x.flatten(1, 2).permute(2, 0, 1)
        return self.fc(self.gru(self.lstm(x)[0])[0])


class DoubleConv(nn.Sequential):
    def __init__(self, inputs, outputs, norm):
        super().__init__(nn.Conv2d(inputs, outputs, 3, padding=1), norm(outputs), nn.SiLU(),
                         nn.Conv2d(outputs, outputs, 3, padding=1), norm(outputs), nn.SiLU())


class UNet(nn.Module):
    """Segments a picture. Goes up once by ConvTranspose and once by Resize, with three kinds of norm."""

    def __init__(self, width=4, classes=3):
        super().__init__()
        batch = nn.BatchNorm2d
        instance = lambda channels: nn.InstanceNorm2d(channels, affine=True)
        group = lambda channels: nn.GroupNorm(2, channels)
        self.down1, self.down2 = DoubleConv(3, width, batch), DoubleConv(width, 2 * width, instance)
        self.bottom = DoubleConv(2 * width, 4 * width, group)
        self.up2 = nn.ConvTranspose2d(4 * width, 2 * width, 2, 2)
        self.join2 = DoubleConv(4 * width, 2 * width, batch)
        self.up1 = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False)
        self.join1 = DoubleConv(3 * width, width, batch)
        self.out = nn.Conv2d(width, classes, 1)

    def forward(self, image):
        fine = self.down1(image)
        middle = self.down2(functional.max_pool2d(fine, 2))
        x = self.up2(self.bottom(functional.avg_pool2d(middle, 2)))
        x = self.up1(self.join2(torch.cat([x, middle], 1)))
        return self.out(self.join1(torch.cat([x, fine], 1)))


class Tabular(nn.Module):
    """Numbers and one category, which has an embedding, to one number and two logits."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(5, 4)
        self.norm = nn.BatchNorm1d(6)
        self.hidden = nn.Sequential(nn.Linear(10, 16), nn.ELU(), nn.Dropout(0.2), nn.Linear(16, 16), nn.Softplus())
        self.regression, self.classes = nn.Linear(16, 1), nn.Linear(16, 2)

    def forward(self, numbers, category):
        x = self.hidden(torch.cat([self.norm(numbers), self.embedding(category)], 1))
        return self.regression(x).squeeze(1), self.classes(x)
